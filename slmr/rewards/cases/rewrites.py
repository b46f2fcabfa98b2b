r"""Rewrites that keep an answer's value and rewrites that change it, grouped by the faults of checkers.

`<n>` and `<m>` are two different numbers, `<L>` and `<M>` two different letters; a row is (kind, completion, gold).
Rows of KEPT must be accepted, rows of CHANGED must not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from slmr.verify import Kind

CaseText = tuple[Kind, str, str]


def rows_of(kind: Kind, gold: str, *texts: str) -> tuple[CaseText, ...]:
    """One row per completion."""
    return tuple((kind, text, gold) for text in texts)


def _box(gold: str, *answers: str) -> tuple[CaseText, ...]:
    return rows_of("math", gold, *(f"So it is $\\boxed{{{answer}}}$." for answer in answers))


def _pairs(*pairs: tuple[str, str]) -> tuple[CaseText, ...]:
    return tuple(row for answer, gold in pairs for row in _box(gold, answer))


KEPT: dict[str, tuple[CaseText, ...]] = {
    "equations": _box(
        "<n>",
        "f(2)=<n>",
        "p+q=<n>",
        "\\text{Volume}=<n>",
        "|w|=<n>",
        "CD=<n>",
        "<n>=y",
        "r^2+s^2=<n>",
        "\\angle ABC=<n>^\\circ",
        "a_{12}=<n>",
        "P(3)=<n>",
        "\\overline{XY}=<n>",
        "k=20+(<n>-20)=<n>",
        "\\frac{u}{v}=<n>",
        "2a-b=<n>",
    )
    + _pairs(("<n>", "x=<n>"), ("y=2x+<n>", "2x+<n>")),
    "innocent words": tuple(
        row
        for tail in (
            "They must wait <m> minutes.",
            "This is actually the minimum.",
            "It should be <n>.",
            "No, there is no other solution.",
            "Note that the correction of <m> is included.",
            "I forgot to mention that y is positive.",
            "There is no mistake here.",
            "Wait, let me double check: <n> = <n>. Yes.",
            "Actually, that is the same as above.",
            "I don't know of a shorter proof.",
            "This should be clear.",
            "Not sure why the others fail, but they do.",
            "I hope it is correct.",
            "Sorry for the long solution.",
            "So the answer is <n>.",
            "Hold on to this result.",
            "It is not difficult to check.",
        )
        for row in rows_of("math", "<n>", f"\\boxed{{<n>}}. {tail}") + rows_of("numeric", "<n>", f"#### <n>\n{tail}")
    ),
    "units and scale words": _pairs(
        ("<n>\\text{ dollars}", "<n>"),
        ("<n>\\text{ million}", "<n>000000"),
        ("<n>\\text{ cm}", "<n>"),
        ("<n>\\,\\mathrm{m/s}", "<n>"),
        ("<n>\\text{ books}", "<n>"),
        ("<n>^\\circ\\text{F}", "<n>"),
        ("<n>\\text{ dozen}", "12*<n>"),
        ("€<n>", "<n>"),
        ("£<n>", "<n>"),
        ("<n>\\text{i}", "<n>i"),
        ("<n>\\text{ hundred}", "<n>00"),
        ("<n>\\text{ square meters}", "<n>"),
        ("<n>\\text{ percent}", "<n>\\%"),
        ("<n>\\text{ kg}\\cdot\\text{m}", "<n>"),
        ("\\text{<n> units}", "<n>"),
        ("\\text{€}<n>", "<n>"),
    )
    + rows_of("numeric", "<n>000000", "#### <n> million", "The answer is <n> million.", "So they sold <n> million.")
    + rows_of("numeric", "<n>.5", "Answer: <n> and a half", "#### <n> 1/2", "The answer is <n> and a half hours.")
    + rows_of("numeric", "<n>", "#### <n> birds", "The answer is <n> euros.", "She needs <n> more.", "#### <n> km/h"),
    "white space": _pairs(
        ("<n> 1/2", "<n>.5"),
        ("1 300", "1300"),
        ("1{,}300", "1300"),
        ("1\\,300", "1300"),
        ("<n> \\frac{1}{4}", "<n>.25"),
    )
    + rows_of("numeric", "1300", "#### 1 300", "Answer: 1,300", "The answer is 1 300."),
    "label on its own line": tuple(
        row
        for label in (
            "**Final Answer:**\n\n",
            "Answer:\n",
            "**Answer**\n\n",
            "## Answer\n\n",
            "Final Answer:\n\n",
            "The answer is\n",
        )
        for row in rows_of("numeric", "<n>", f"{label}<n>")
        + rows_of("math", "<n>", f"{label}$<n>$", f"{label}\\[ <n> \\]")
        + rows_of("choice", "<L>", f"{label}<L>", f"{label}**(<L>)**")
    )
    + rows_of("numeric", "<n>", "#### <n>\n####", "#### <n>\n\n#### "),
    "the #### line": rows_of(
        "numeric",
        "<n>",
        "#### \\boxed{<n>}",
        "#### <n-1>+1 = <n>",
        "#### x = <n>",
        "#### <n>,",
        "#### <n>;",
        "#### [<n>]",
        "#### $<n>",
        "#### <n><|eot_id|>",
        "#### <n></s>",
        "#### <n><end_of_turn>",
        "#### <n><｜end▁of▁sentence｜>",
        "#### = <n>",
        "####: <n>",
        "#### Answer: <n>",
        "#### The answer is <n>",
        "#### <n>!",
        "#### <n> (done)",
    ),
    "dollars": rows_of(
        "math",
        "<n>",
        "It costs $10,200 + $255 = $<n>. Final Answer: The final answer is $<n>$. I hope it is correct.",
        "He pays $5 and then $<m>. The answer is $<n>$.",
        "She has $<m>.\nAnswer: $<n>",
        "Two are $<m>$, so the answer is \\$<n>.",
        "They cost $3 each. So the total is $<n>.",
    ),
    "choice forms": rows_of(
        "choice",
        "<L>",
        "<L>) the red one",
        "The correct option is <L>",
        "**Answer**: <L>",
        "So <L> is correct",
        "<answer><L></answer>",
        "Answer: \\boxed{<L>}",
        "A is wrong, so <L>",
        "It can't be A, so <L>",
        "I think it is <L>",
        "Answer: (<l>)",
        "Answer: <L>. This rules out A.",
        "Answer: <L>, because A fails",
        "Answer: <L> (A is too broad)",
        "Answer: <L>. Vitamin A or iron",
        "I would choose option <L>.",
        "Option A is incorrect. Option <L> is correct.",
        "Answer: <L>!",
        "Neither A nor <M> fits, so <L>.",
        "Not A. So <L>.",
        "\\boxed{\\text{<L>}}",
        "Answer: <L> rather than A",
        "Answer: <L> — A is too weak",
        "Eliminating A and <M> leaves <L>.",
        "**<L>**",
        "Answer: <L><|im_end|>",
    ),
    "equal values": _pairs(
        ("e^{i\\pi}", "-1"),
        ("|3+4i|", "5"),
        ("|5-12i|", "13"),
        ("\\sqrt{1/n}", "\\frac{1}{\\sqrt n}"),
        ("\\sin 30^\\circ", "\\frac12"),
        ("\\tan 75^\\circ", "2+\\sqrt3"),
        ("\\cos 120^{\\circ}", "-\\frac12"),
        ("\\tan(60\\degree)", "\\sqrt3"),
        ("<n>\\degree", "<n>"),
        ("\\frac12 \\pm \\frac{\\sqrt5}2", "\\frac{1+\\sqrt5}{2},\\frac{1-\\sqrt5}{2}"),
        ("\\frac{3\\pm\\sqrt5}{2}", "\\frac{3+\\sqrt5}{2},\\frac{3-\\sqrt5}{2}"),
        ("\\log_2 5\\cdot\\log_5 8", "3"),
        ("\\log_6 4+\\log_6 9", "2"),
        ("\\sqrt{\\frac{x}{y}}", "\\frac{\\sqrt x}{\\sqrt y}"),
        ("2\\pm\\sqrt3", "2-\\sqrt3, 2+\\sqrt3"),
    ),
    "notation": _pairs(
        ("<n>½", "<n>.5"),
        ("⅗", "\\frac35"),
        ("–<n>", "-<n>"),
        ("\\boldsymbol{<n>}", "<n>"),
        ("{\\color{red}<n>}", "<n>"),
        ("\\textcolor{blue}{<n>}", "<n>"),
        ("\\color{red}{<n>}", "<n>"),
        ("1,3,\\ldots,<n>", "1,3,\\dots,<n>"),
        ("\\text{no real solutions}", "\\emptyset"),
        ("3⁄4", "0.75"),
        ("2×<n>", "2*<n>"),
        ("10⁻²", "0.01"),
        ("\\underline{<n>}", "<n>"),
        ("\\mathbf{<n>}", "<n>"),
        ("2•<n>", "2*<n>"),
        ("\\begin{cases}x=<n>\\\\y=<m>\\end{cases}", "(<n>,<m>)"),
        ("k\\pi,\\ k\\in\\mathbb{Z}", "n\\pi,\\ n\\in\\mathbb{Z}"),
        ("x\\in\\{<n>,<m>\\}", "<n>,<m>"),
    )
    + rows_of("math", "\\frac{7}{3}", "So x = 7/3", "So `7/3`", "Hence x = 7/3.")
    + rows_of(
        "numeric",
        "12",
        "The answer is twelve.",
        "Answer: twelve",
        "So there are twelve.",
        "Answer: **12**",
        "Answer: `12`",
        "Answer: 1.2×10^1",
        "Answer: 1.2e1",
    ),
    "signs": rows_of(
        "numeric",
        "-<n>",
        "#### –<n>",
        "Answer: −<n>",
        "The answer is minus <n>.",
        "Answer: negative <n>",
        "So x = –<n>",
        "#### - <n>",
        "Answer: -$<n>",
        "Answer: ‐<n>",
    ),
    "run-on": rows_of(
        "numeric",
        "<n>",
        "#### <n>\n\nQuestion: Ann has <m> pens. How many?\nAnswer: #### <m>",
        "#### <n>\n\nQ: What is <m>?\nA: #### <m>",
        "#### <n>\nuser\nWhat is 1 + 1?\nassistant\n#### 2",
        "#### <n><|im_end|>\n<|im_start|>user\nNext?<|im_end|>\n<|im_start|>assistant\n#### <m>",
        "#### <n>\n\nHuman: Next one?\n\nAssistant: #### <m>",
        "#### <n><|eot_id|><|start_header_id|>user<|end_header_id|>\n\n#### <m>",
    )
    + rows_of(
        "math",
        "<n>",
        "\\boxed{<n>}\n\nProblem: Find x.\nSolution: \\boxed{<m>}",
        "\\boxed{<n>}<|endoftext|>Human: and y?\n\\boxed{<m>}",
    )
    + rows_of(
        "choice",
        "<L>",
        "Answer: <L>\n\nQuestion: Which one?\nA. x\nB. y\nAnswer: <M>",
        "Answer: <L><|im_end|>\n<|im_start|>user\nAnswer: <M>",
    ),
    "golds": rows_of("numeric", "So 8 + 9 = 17.\n#### <n>", "#### <n>", "The answer is <n>.", "\\boxed{<n>}")
    + rows_of("numeric", "$<n>$", "#### <n>")
    + rows_of("numeric", "\\boxed{<n>}", "#### <n>")
    + rows_of("numeric", "Answer: <n>", "#### <n>")
    + rows_of("choice", "Answer: <L>", "Answer: <L>")
    + rows_of("choice", "(<L>) red", "Answer: <L>")
    + rows_of("choice", "\\boxed{<L>}", "Answer: <L>")
    + rows_of("math", "$<n>$", "\\boxed{<n>}")
    + rows_of("math", "Answer: <n>", "\\boxed{<n>}")
    + rows_of("math", "#### <n>", "\\boxed{<n>}"),
    "thoughts": rows_of(
        "math",
        "<n>",
        "maybe \\boxed{<m>}</think>\\boxed{<n>}",
        "<think>\\boxed{<m>}</think>\n\\boxed{<n>}",
        "<thinking>\\boxed{<m>}</thinking>\\boxed{<n>}",
    )
    + rows_of("numeric", "<n>", "#### <m></think>\n#### <n>", "<think>\n#### <m>\n</think>\n\n#### <n>"),
}

CHANGED: dict[str, tuple[CaseText, ...]] = {
    "equations": _box(
        "<n>",
        "<m>=<n>",
        "41=<n>",
        "x=<n>=<m>",
        "f(<n>)=<m>",
        "<n>=<m>",
        "a_{<n>}=<m>",
        "x \\ne <n>",
        "y=<n>x",
    )
    + _pairs(("y=<n>", "x=<n>"), ("x=<m>", "x=<n>")),
    "contradiction": tuple(
        row
        for tail in (
            ". Therefore the answer is \\(<m>\\).",
            "\n#### <m>",
            " or <m>",
            " / \\boxed{<m>}",
            ". Hold on, it's <m>.",
            ". Edit: <m>",
            ". Never mind, it's <m>.",
            ". My bad, <m>.",
            ". Scratch that: <m>.",
            " is not right.",
            " isn't the answer.",
            " is wrong.",
            "? No.",
            ". No, it is <m>.",
            ". The answer = <m>.",
            ". The answer is actually <m>.",
            "\n\n### Answer\n<m>",
            ". Sorry, it should be <m>.",
            ". Correction: <m>.",
            " would be the answer if it were even, but it is not.",
            ". Wait, that's wrong.",
            ". I was wrong.",
            ". No wait, let me redo this.",
            ". The correct answer is <m>.",
            ". So the final answer: <m>",
            ". Oops, <m>.",
        )
        for row in rows_of("math", "<n>", f"\\boxed{{<n>}}{tail}")
        + rows_of("numeric", "<n>", f"The answer is <n>{tail}")
    )
    + rows_of(
        "math",
        "<n>",
        "The answer is not \\boxed{<n>}.",
        "Is it \\boxed{<n>}? No.",
        "It can't be \\boxed{<n>}.",
        "The answer is <m>, not \\boxed{<n>}.",
        "Either <m> or \\boxed{<n>}.",
        "It isn't $\\boxed{<n>}$",
        "\\boxed{\\text{not }<n>}",
        "\\boxed{\\neq <n>}",
        "\\boxed{<n> \\text{ or } <m>}",
    ),
    "words at a number": _box(
        "<n>",
        "<n>\\text{ million}",
        "<n>\\text{ or <m>}",
        "<n>\\text{ thousand}",
        "<n>\\text{ squared}",
        "<n>\\mathrm{i}",
        "<n>\\text{ minus one}",
        "<n>\\text{ and a half}",
        "<n>\\text{ dozen}",
        "<n>\\text{ hundredths}",
        "<n>\\text{ is wrong}",
        "<n>\\text{ not}",
        "<n>\\mathrm{e}",
        "<n>\\text{ cubed}",
        "<n>\\text{ base eight}",
        "<n>\\text{ factorial}",
        "<n>\\text{ tens}",
        "<n>\\text{ times two}",
        "\\text{half of }<n>",
        "\\text{less than }<n>",
    )
    + _pairs(("7{:}<n>\\text{ a.m.}", "7{:}<n>\\text{ p.m.}"), ("<n>\\text{ B.C.}", "<n>\\text{ A.D.}"))
    + rows_of(
        "numeric",
        "<n>",
        "#### <n> million",
        "The answer is <n> thousand.",
        "Answer: <n> and a half",
        "Answer: <n> hundred",
        "#### <n> tenths",
        "So there are <n> million.",
        "The answer is minus <n>.",
        "The answer cannot be <n>.",
        "Answer: half of <n>",
        "The answer is not <n>.",
        "Answer: <n> squared",
        "So it is <n>^2",
        "#### <n> or more",
        "Answer: <n> dozen",
    ),
    "white space": _pairs(
        ("4 2", "42"),
        ("<n> <m>", "<n><m>"),
        ("4\\quad 2", "42"),
        ("4\\ 2", "42"),
        ("1 1/2", "\\frac{11}{2}"),
        ("1 1/2", "11/2"),
        ("4\n2", "42"),
        ("-1 5", "-15"),
    ),
    "signs": rows_of(
        "numeric",
        "<n>",
        "#### –<n>",
        "Answer: −<n>",
        "The answer is minus <n>.",
        "Answer: negative <n>",
        "So x = –<n>",
        "So the change is –$<n>",
        "#### - <n>",
        "The answer is ﹣<n>.",
    ),
    "parts of numbers": rows_of(
        "numeric",
        "<n>",
        "#### <n>⅗",
        "Answer: <n>:30",
        "#### <n> = <m>",
        "#### <n> (<m>)",
        "So x = 10^<n>",
        "Answer: <n>-<m>",
        "Answer: <n>³",
        "Answer: <n>/<m>",
        "So it takes <n>½ hours.",
        "Answer: between <n> and <m>",
        "<m>.<n>.1.1",
        "Step <n>",
    ),
    "choice": rows_of(
        "choice",
        "<L>",
        "Answer: <L> is wrong",
        "Answer: <L> or <M>",
        "Answer: <L>, <M>",
        "<L> and <M>",
        "A. x\nB. y\nC. z\nD. w\nE. v",
        "Answer: not <L>",
        "The answer is not <L>.",
        "Answer: <M>",
        "It can't be <L>.",
        "Answer: <L>\nNo wait, it is <M>.",
        "Answer: <L>/<M>",
        "Either <L> or <M>.",
        "I don't know.",
        "<L> is not correct.",
        "Answer: ABCDE",
        "So the answer is <M>, not <L>.",
        "Option <L> is incorrect.",
        "Answer: <L>. Actually <M>.",
        "Answer: neither <L> nor <M>",
        "All except <L>.",
    )
    + rows_of(
        "choice",
        "A",
        "A fine puzzle.",
        "Answer: A lot of them",
        "Answer: A red car",
        "A. x\nB. y\nC. z",
        "All of the above",
    ),
    "run-on": rows_of(
        "numeric",
        "<n>",
        "#### <m>\n\nQuestion: next one\nAnswer: #### <n>",
        "#### <m>\nuser\nnext\nassistant\n#### <n>",
        "#### <n>\n#### <m>",
        "#### <m><|im_end|>#### <n>",
        "#### <m>\n\nHuman: next\n#### <n>",
    ),
    "degenerate": rows_of(
        "math",
        "<n>",
        "The answer is " + "x" * 400,
        "\\boxed{" + "(" * 300 + "}",
        "The answer is " + "so " * 300,
        "\\boxed{" + "x" * 300 + "}",
        "\\boxed{" + "\\frac{1}{" * 40 + "}",
        "\\boxed{" + "\\sin " * 60 + "x}",
        "\\boxed{" + "()" * 100 + "}",
    ),
    "refusals": rows_of(
        "numeric",
        "42",
        "I cannot answer in 42 words.",
        "I can't solve this in 42 steps.",
        "Sorry, I am unable to do it within 42 tokens.",
        "I do not know. 42?",
        "I won't answer this: 42",
    )
    + rows_of(
        "math",
        "42",
        "\\boxed{(lambda: 42)()}",
        "\\boxed{}",
        "Put it in \\boxed{}.",
        "I cannot answer in 42 words.",
    ),
    "golds": rows_of("choice", "A red car", "Answer: A")
    + rows_of("choice", "A lot of rain", "Answer: A")
    + rows_of("choice", "B vitamins help", "Answer: B")
    + rows_of("choice", "I do not know", "Answer: I")
    + rows_of("choice", "Vitamin C", "Answer: C"),
    "thoughts": rows_of(
        "math",
        "<n>",
        "<think>\\boxed{<n>}",
        "<think>so \\boxed{<n>}. But",
        "\\boxed{<n>}</think>",
        "<thinking>\\boxed{<n>}",
        "<think>\\boxed{<n>}</think>\\boxed{<m>}",
    ),
    "other values": _pairs(
        ("<m>", "<n>"),
        ("<n>.0001", "<n>"),
        ("-<n>", "<n>"),
        ("(<n>,<m>)", "(<m>,<n>)"),
        ("\\pm <n>", "<n>"),
        ("|x|", "x"),
        ("\\sin 30", "\\frac12"),
        ("<n>\\%", "<n>00"),
        ("\\sqrt{<n>}", "<n>"),
        ("<n>!", "<n>"),
        ("\\frac{3\\pm\\sqrt5}{2}", "\\frac{3+\\sqrt5}{2}"),
        ("[<n>, 99)", "[<n>, 99]"),
        ("k\\pi, k\\in\\mathbb{Z}", "2n\\pi, n\\in\\mathbb{Z}"),
    ),
}


def rewritten(table: Mapping[str, tuple[CaseText, ...]], seed: int) -> Iterator[tuple[str, Kind, str, str]]:
    """(family, kind, completion, gold): each rewrite with three random draws of its placeholders."""
    rng = Random(seed)
    for family, rows in table.items():
        for kind, text, gold in rows:
            for _ in range(3):
                n, m = rng.sample(range(21, 99), 2)
                right, wrong = rng.sample("BCDE", 2)
                values = {
                    "<n>": f"{n}",
                    "<m>": f"{m}",
                    "<n-1>": f"{n - 1}",
                    "<n+1>": f"{n + 1}",
                    "<L>": right,
                    "<M>": wrong,
                    "<l>": right.lower(),
                }
                yield family, kind, _fill(text, values), _fill(gold, values)


def _fill(text: str, values: dict[str, str]) -> str:
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text
