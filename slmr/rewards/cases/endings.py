"""Natural endings: how models state an answer, in several languages. Also used with another item's gold answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slmr.verify import Kind


@dataclass(frozen=True)
class Gold:
    """A gold answer, its spellings in completions, and a key that identifies its value without the checkers."""

    text: str
    key: str
    spellings: tuple[str, ...] = ()


_WHOLE = (
    0,
    3,
    7,
    12,
    18,
    42,
    96,
    150,
    365,
    1024,
    5000,
    12500,
    64,
    81,
    9,
    27,
    110,
    770,
    -3,
    -13,
    1300,
    70_000,
    540,
)
NUMBERS = [
    *(Gold(f"{v}", f"{v}", (f"{v}", f"{v:,}", f"{v}.00") if abs(v) >= 1000 else (f"{v}", f"{v}.0")) for v in _WHOLE),
    Gold("2.5", "5/2", ("2.5", "2.50", "2½")),
    Gold("0.75", "3/4", ("0.75", "3/4", "¾")),
    Gold("1250.50", "2501/2", ("1,250.50", "1250.5")),
]
FORMULAS = [
    Gold(r"\frac{3}{8}", "3/8", (r"\frac{3}{8}", r"\dfrac38", "3/8", "0.375")),
    Gold(r"2\sqrt{7}", "2r7", (r"2\sqrt{7}", r"\sqrt{28}", r"2\sqrt7")),
    Gold(r"\frac{\pi}{5}", "pi/5", (r"\frac{\pi}{5}", r"\pi/5", r"\frac15\pi")),
    Gold("(2,-5)", "t2,-5", ("(2,-5)", "(2, -5)", r"\left(2,-5\right)")),
    Gold("(-5,2)", "t-5,2", ("(-5,2)", r"\left( -5, 2 \right)")),
    Gold(r"x^2-9", "x2-9", ("x^2-9", "(x-3)(x+3)", r"x^{2}-9")),
    Gold("17", "17", ("17", "17.0", r"\frac{34}{2}")),
    Gold("-4", "-4", ("-4", r"-\frac{8}{2}")),
    Gold(r"[1,4)", "[1,4)", ("[1,4)", r"\left[1,4\right)", r"1 \le x < 4")),
    Gold(r"(1,4)", "(1,4)", ("(1,4)", "(1, 4)")),
    Gold(r"\{1,6\}", "{1,6}", (r"\{1,6\}", r"\{6,1\}")),
    Gold(r"1+2i", "1+2i", ("1+2i", "2i+1")),
    Gold(r"\frac{1+\sqrt{5}}{2}", "phi", (r"\frac{1+\sqrt{5}}{2}", r"\frac{\sqrt5+1}{2}")),
    Gold(r"30^\circ", "30", (r"30^\circ", "30", r"30^{\circ}")),
    Gold("10{,}000", "10000", ("10{,}000", "10,000", "10000", r"10\,000")),
    Gold(r"\text{even}", "even", (r"\text{even}",)),
    Gold(r"3x+2", "3x+2", ("3x+2", "2+3x")),
    Gold(r"\sqrt{3}", "r3", (r"\sqrt{3}", r"\sqrt3", r"3^{1/2}")),
    Gold(r"\begin{pmatrix}1\\2\end{pmatrix}", "m1,2", (r"\begin{pmatrix}1\\2\end{pmatrix}",)),
    Gold(r"\ln 2", "ln2", (r"\ln 2", r"\ln(2)", r"\ln{2}")),
    Gold("2^{40}", "2^40", ("2^{40}", "4^{20}")),
    Gold("-\\frac{7}{3}", "-7/3", (r"-\frac{7}{3}", r"\frac{-7}{3}", "-7/3")),
]
LETTERS = [Gold(letter, letter, (letter,)) for letter in "ABCDE"]
GOLDS: dict[Kind, list[Gold]] = {"numeric": NUMBERS, "math": FORMULAS, "choice": LETTERS}

# {} is the answer: a number in prose, a formula between dollars, a letter.
PROSE = {
    "en": (
        "The answer is {}.",
        "So the answer is {}",
        "Therefore, the answer is {}.",
        "The final answer is: {}",
        "The final answer is {}.",
        "The correct answer is {}.",
        "the answer is: {}.",
        "Thus, the answer should be {}.",
        "Answer: {}",
        "answer: {}",
        "ANSWER: {}",
        "Final answer: {}",
        "Final Answer: {}",
        "**Answer:** {}",
        "**Answer**: {}",
        "**Answer: {}**",
        "**Final Answer:** {}",
        "**Final Answer**: **{}**",
        "Final answer: **{}**",
        "**Final Answer:**\n\n{}",
        "**Final Answer**\n\n{}",
        "### Answer\n{}",
        "### Final Answer:\n\n**{}**",
        "Answer:\n{}",
        "The answer is:\n\n{}",
        "✅ Final Answer: **{}**",
        "<answer>{}</answer>",
        "<answer>\n{}\n</answer>",
        "Final Answer: The final answer is {}. I hope it is correct.",
        "Hence the answer must be {}.",
        "My answer is {}.",
        "Our answer is {}.",
        "So, the answer: {}",
        "The answer is therefore {}.",
        "Let me check the steps again. Yes. The answer is {}.",
        "Answer: {}.",
        "The answer is {}, as required.",
        "The answer is {}!",
        "Answer: {}<|im_end|>",
        "Answer: {}</s>",
        "Answer: {}<|eot_id|>",
        "Answer: {}<end_of_turn>",
    ),
    "de": (
        "Die Antwort ist {}.",
        "Die Antwort lautet {}.",
        "Die Antwort lautet: {}",
        "Antwort: {}",
        "**Antwort:** {}",
        "**Antwort**: {}",
        "Die richtige Antwort ist {}.",
        "Endgültige Antwort: {}",
        "Also ist die Antwort {}.",
        "Antwort:\n{}",
        "Die Lösung ist {}.",
        "**Lösung:** {}",
    ),
    "fr": (
        "La réponse est {}.",
        "Réponse : {}",
        "Réponse: {}",
        "**Réponse :** {}",
        "La bonne réponse est {}.",
        "Réponse finale : {}",
        "Donc la réponse est {}.",
        "La réponse finale est {}.",
        "La réponse correcte est {}.",
    ),
    "es": (
        "La respuesta es {}.",
        "Respuesta: {}",
        "**Respuesta:** {}",
        "La respuesta correcta es {}.",
        "Respuesta final: {}",
        "Por lo tanto, la respuesta es {}.",
        "La respuesta final es {}.",
        "Respuesta:\n{}",
    ),
    "zh": (
        "答案是{}。",
        "答案：{}",
        "答案: {}",
        "最终答案：{}",
        "所以答案是{}。",
        "因此，答案为{}。",
        "**答案：**{}",
        "正确答案是{}。",
        "答案:\n{}",
    ),
    "ja": ("答えは{}です。", "答え: {}", "答え：{}", "最終的な答えは{}です。", "正解は{}です。"),
    "ko": ("정답: {}", "정답은 {}입니다.", "답: {}", "최종 답: {}", "답은 {}입니다."),
    "ru": ("Ответ: {}", "Ответ: {}.", "**Ответ:** {}", "Правильный ответ: {}", "Окончательный ответ: {}"),
    "pt": (
        "A resposta é {}.",
        "Resposta: {}",
        "Resposta final: {}",
        "A resposta correta é {}.",
        "**Resposta:** {}",
    ),
    "it": (
        "La risposta è {}.",
        "Risposta: {}",
        "Risposta finale: {}",
        "La risposta corretta è {}.",
        "**Risposta:** {}",
    ),
}
VALUE = {
    "en": (
        "So the total is {}.",
        "That gives {}.",
        "Therefore {}.",
        "Hence we get {}.",
        "The result is {}.",
        "So the value is {}.",
        "In all that makes {}.",
        "So x = {}",
        "The answer is x = {}.",
        "Thus we get {} as the answer.",
    ),
    "de": (
        "Das Ergebnis ist {}.",
        "Das Ergebnis lautet {}.",
        "Ergebnis: {}",
        "Insgesamt sind es {}.",
        "Also {}.",
    ),
    "fr": ("Le résultat est {}.", "Résultat : {}", "Au total, cela fait {}.", "Donc {}.", "On obtient {}."),
    "es": ("El resultado es {}.", "Resultado: {}", "En total son {}.", "Por tanto, {}.", "Se obtiene {}."),
    "zh": ("所以一共是{}。", "结果是{}。", "结果为{}", "因此等于{}。", "总共{}。"),
}
BOXED = (
    "\\boxed{{{}}}",
    "$\\boxed{{{}}}$",
    "$$\\boxed{{{}}}$$",
    "\\[\n\\boxed{{{}}}\n\\]",
    "The answer is $\\boxed{{{}}}$.",
    "**Final Answer**\n\\boxed{{{}}}",
    "\\boxed{{{}}}<|im_end|>",
    "Thus $x = \\boxed{{{}}}$.",
    "So we have \\(\\boxed{{{}}}\\).",
    "\\fbox{{{}}}",
    "Answer: \\boxed{{{}}}",
    "La respuesta es $\\boxed{{{}}}$.",
    "La réponse est $\\boxed{{{}}}$.",
    "Die Antwort ist $\\boxed{{{}}}$.",
    "答案是 $\\boxed{{{}}}$。",
)
HASH = (
    "#### {}",
    "####{}",
    "#### {}.",
    "#### {}\n",
    "####\n{}",
    "#### **{}**",
    "#### ${}$",
    "#### \\boxed{{{}}}",
    "#### {},",
    "#### = {}",
    "#### {}<|endoftext|>",
    "#### {}<|im_end|>\n",
)
CHOSEN = {
    "en": (
        "{}",
        "({})",
        "**{}**",
        "{}.",
        "Option {}",
        "Answer: ({})",
        "The correct option is {}.",
        "Answer: The correct option is {}",
        "So {} is correct.",
        "Therefore, option {} is the best answer.",
        "I choose {}.",
        "I'd go with {}.",
        "My choice is {}",
        "Answer: option {}",
        "Answer: \\boxed{{{}}}",
        "Answer: It's {}",
        "So the best choice is ({}).",
        "I think it is {}.",
        "Only {} works.",
        "That leaves {}.",
        "Hence, {}.",
        "Answer: {} is correct.",
        "Answer: {}) the red one",
        "Answer: {}. The other ones fail.",
        "{} is the correct answer.",
        "Answer: '{}'",
        "The answer is option {}.",
        "Answer: <{}>",
        "Answer: {{{}}}",
        "Answer: [{}]",
    ),
    "de": ("Option {} ist richtig.", "Richtig ist {}.", "Also {}.", "{} ist richtig.", "Ich wähle {}."),
    "fr": ("L'option {} est correcte.", "C'est {}.", "Donc {}.", "Je choisis {}.", "La bonne option est {}."),
    "es": (
        "La opción {} es correcta.",
        "La opción correcta es {}.",
        "Elijo {}.",
        "Por lo tanto, {}.",
        "Es la {}.",
    ),
    "zh": ("选{}", "故选{}。", "所以选{}。", "正确选项是{}。", "选项{}是正确的。", "应选{}"),
}
WORKED = {
    "numeric": "She has 8 and buys 5 more, so 8 + 5 = 13. Twice that is 2 * 13 = 26.\n",
    "math": "We factor the expression and note that $a = 5$ and $b = 11$ satisfy both equations.\n",
    "choice": "The passage says that all of them are old. The first option is too strong.\n",
}
STRICT = {"numeric": "#### {}", "math": "\\boxed{{{}}}", "choice": "Answer: {}"}


@dataclass(frozen=True)
class Ending:
    """One completion: its language, template, text, gold answer, and whether it has the task's own form."""

    kind: Kind
    language: str
    form: str
    text: str
    gold: Gold
    own_form: bool


def forms(kind: Kind) -> Iterator[tuple[str, str, bool]]:
    """(language, template, whether the template already delimits a formula)."""
    for table in (PROSE, CHOSEN if kind == "choice" else VALUE):
        for language, templates in table.items():
            yield from ((language, form, False) for form in templates)
    yield from (("tex", form, True) for form in BOXED)
    if kind == "numeric":
        yield from (("own", form, True) for form in HASH)


def endings(kind: Kind) -> Iterator[Ending]:
    """Every form with every spelling of every gold answer, after a short solution."""
    for language, form, delimited in forms(kind):
        for gold in GOLDS[kind]:
            for spelling in gold.spellings:
                if kind == "choice" and spelling == "A" and form == "{}.":
                    continue
                written = f"${spelling}$" if kind == "math" and not delimited else spelling
                yield Ending(kind, language, form, WORKED[kind] + form.format(written), gold, form == STRICT[kind])
