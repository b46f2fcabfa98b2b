"""Completions that a reward must pay: rewrites that keep the value of the answer, grouped by the faults of checkers."""

from __future__ import annotations

from slmr.rewards.cases.templates import CaseText, box_rows, pair_rows, rows_of

VALUE_PRESERVING: dict[str, tuple[CaseText, ...]] = {
    "equations": box_rows(
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
    + pair_rows(("<n>", "x=<n>"), ("y=2x+<n>", "2x+<n>")),
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
    "units and scale words": pair_rows(
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
    "white space": pair_rows(
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
    "equal values": pair_rows(
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
    "notation": pair_rows(
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
