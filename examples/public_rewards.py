"""Public reward functions as `slmr audit-reward` takes them: each a thin call of the package that it is from.

    slmr audit-reward examples/public_rewards.py:trl_accuracy --kind math --gold-as '$GOLD$'

docs/howto/audit.md has what came out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

GSM8K = {
    "strict": r"#### (\-?[0-9\.\,]+)",
    "flexible": r"(-?[$0-9.,]{2,})|(-?[0-9]+)",
}  # of lm-eval's gsm8k.yaml


def math_verify(completion: str, gold: str) -> float:
    """math-verify as its manual calls it."""
    from math_verify import parse, verify

    return float(verify(parse(gold), parse(completion)))


def trl_accuracy(completions: list[Any], solution: list[str]) -> list[float | None]:
    """TRL's `accuracy_reward`."""
    from trl.rewards import accuracy_reward

    return accuracy_reward(completions, solution)


def trl_reasoning_accuracy(completions: list[Any], solution: list[str]) -> list[float | None]:
    """TRL's `reasoning_accuracy_reward`: what follows the thought."""
    from trl.rewards import reasoning_accuracy_reward

    return reasoning_accuracy_reward(completions, solution)


async def verifiers_math(completion: Any, answer: str, state: Any) -> float:
    """The rubric `MathRubric` of verifiers before 0.4."""
    rubric = _math_rubric()
    return await rubric.correct_answer(parser=rubric.parser, completion=completion, answer=answer)


@lru_cache
def _math_rubric() -> Any:
    from verifiers import MathRubric

    return MathRubric()


def lm_eval_gsm8k_strict(completion: str, gold: str) -> float:
    """lm-eval's filter `strict-match` of gsm8k and its metric."""
    return _lm_eval_gsm8k(completion, gold, GSM8K["strict"], 0)


def lm_eval_gsm8k_flexible(completion: str, gold: str) -> float:
    """lm-eval's filter `flexible-extract` of gsm8k and its metric."""
    return _lm_eval_gsm8k(completion, gold, GSM8K["flexible"], -1)


def _lm_eval_gsm8k(completion: str, gold: str, pattern: str, group: int) -> float:
    from lm_eval.api.metrics import exact_match_hf_evaluate
    from lm_eval.filters.extraction import RegexFilter

    (found,) = RegexFilter(regex_pattern=pattern, group_select=group).apply([[completion]], [{}])
    ignored = [",", r"\$", "(?s).*#### ", r"\.$"]
    matched = exact_match_hf_evaluate(
        predictions=[found[0]], references=[f"#### {gold}"], regexes_to_ignore=ignored, ignore_case=True
    )
    return float(matched["exact_match"])


def lm_eval_minerva(completion: str, gold: str) -> float:
    """lm-eval's minerva_math, `exact_match` of its own comparison; needs antlr4-python3-runtime 4.11."""
    return float(_minerva(completion, gold)["exact_match"])


def lm_eval_minerva_math_verify(completion: str, gold: str) -> float:
    """lm-eval's minerva_math, its second metric `math_verify`."""
    return float(_minerva(completion, gold)["math_verify"])


def _minerva(completion: str, gold: str) -> dict[str, int]:
    from lm_eval.tasks.minerva_math.utils import normalize_final_answer, process_results

    document = {"solution": f"\\boxed{{{gold}}}", "answer": normalize_final_answer(gold)}
    return process_results(document, [completion])


def slmr_numeric(completion: str, gold: str) -> float:
    """This project's checker, any recognisable form."""
    from slmr.verify import verify

    return float(verify(completion, gold, "numeric").lenient)


def slmr_math(completion: str, gold: str) -> float:
    """Likewise for formulas."""
    from slmr.verify import verify

    return float(verify(completion, gold, "math").lenient)
