"""The shapes of math answers: what is the same in another form, and what only looks like it."""

from __future__ import annotations

import pytest

from slmr.verify import verify

SAME = [
    (r"\frac{\pi}{4}", r"\pi/4"),
    (r"3\sqrt{2}+1", r"1+\sqrt{18}"),
    (r"\{1,2,3\}", r"\{3,2,1\}"),
    (r"x\in(-\infty,2]\cup[3,\infty)", r"(-\infty,2]\cup[3,\infty)"),
    (r"[0,\infty)", r"x \geq 0"),
    ("-1<x<1", "(-1,1)"),
    ("x=1,y=2", "(1,2)"),
    (r"x=1\text{ or }x=2", "1,2"),
    (r"1\frac{1}{2}", r"\frac32"),
    (r"50\%", "0.5"),
    ("12{,}000", "12000"),
    (r"12\,000", "12000"),
    ("12,000", "12000"),
    (r"\$12", "12"),
    (r"12\text{ cm}^2", "12"),
    (r"90^\circ", "90"),
    (r"\text{east}", "east"),
    (r"\begin{bmatrix}1&2\\3&4\end{bmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
    (r"\begin{array}{cc}1&2\\3&4\end{array}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
    (r"\log_2 8", "3"),
    (r"\log_{10}{100}", "2"),
    (r"\ln e", "1"),
    (r"e^{\ln 2}", "2"),
    (r"\sin\frac{\pi}{6}", r"\frac12"),
    (r"\cos 0", "1"),
    (r"\tan(\pi/4)", "1"),
    ("|{-3}|", "3"),
    (r"\left|x-1\right|", "|x-1|"),
    (r"\lfloor 3.7\rfloor", "3"),
    (r"\lceil 3.2\rceil", "4"),
    ("5!", "120"),
    (r"\binom{5}{2}", "10"),
    (r"{5 \choose 2}", "10"),
    ("2^{-3}", r"\frac18"),
    ("8^{1/3}", "2"),
    (r"\sqrt[3]{27}", "3"),
    ("i^2", "-1"),
    ("(1+i)(1-i)", "2"),
    (r"\sqrt{-4}", "2i"),
    ("3+4i", "4i+3"),
    ("x^2+2x+1", "(x+1)^2"),
    (r"\frac{x^2-1}{x-1}", "x+1"),
    (r"\frac{1}{x}+\frac{1}{y}", r"\frac{x+y}{xy}"),
    (r"2\sin x\cos x", r"\sin 2x"),
    ("y=2x+3", "2x+3"),
    ("f(x)=x^2", "x^2"),
    ("a_n=2n+1", "2n+1"),
    (r"\sum_{k=1}^{n}k", r"\sum_{i=1}^n i"),
    (r"\sum_{k=1}^{4}k", "10"),
    (r"\prod_{k=1}^{4}k", "24"),
    (r"\int x\,dx", r"\int x dx"),
    (r"\lim_{x\to 0}\frac{\sin x}{x}", r"\lim_{x \to 0^+}\left(\frac{\sin{\left(x \right)}}{x}\right)"),
    (r"0.\overline{3}", r"\frac13"),
    (r"1.5\times10^3", "1500"),
    ("1.5e3", "1500"),
    (r"1.5 \cdot 10^{-2}", "0.015"),
    ("10^{-2}", "0.01"),
    (r"\frac{3}{4}\pi", r"\frac{3\pi}{4}"),
    (r"\dfrac{7}{8}", "7/8"),
    (r"\tfrac78", "0.875"),
    (r"-\frac{1}{2}", r"\frac{-1}{2}"),
    (r"\frac{1}{-2}", "-0.5"),
    ("+5", "5"),
    ("(1,2),(3,4)", "(3,4),(1,2)"),
    (r"(1, 2) \text{ and } (3, 4)", "(1,2),(3,4)"),
    (r"\pm 2", "2,-2"),
    (r"x=\pm2", r"\{-2,2\}"),
    (r"2\text{ and }3", "2,3"),
    (r"\emptyset", r"\varnothing"),
    (r"\emptyset", r"\{\}"),
    (r"\mathbb{R}", r"(-\infty,\infty)"),
    (r"x \neq 3", r"x\ne3"),
    (r"\text{(A)}", "A"),
    (r"\text{A}", "A"),
    ("A", "A"),
    (r"\mathrm{(C)}", "C"),
    (r"\textbf{(B)}", "B"),
    ("10:30", "10:30"),
    ("10{:}30", "10:30"),
    ("2:3", "2:3"),
    (r"3\text{:}4", "3:4"),
    ("1011_2", "1011_2"),
    ("1011_{2}", "1011_2"),
    ("204_5", "204_{5}"),
    (r"\frac{a}{b}", "a/b"),
    (r"\frac{ab}{c}", r"\frac{b a}{c}"),
    ("x^{1/2}", r"\sqrt{x}"),
    ("x^{-1}", r"\frac1x"),
    ("e^{x+y}", "e^x e^y"),
    ("4 x+3 y=12", r"y=4-\frac43x"),
    (r"\vec{v}=\langle 1,2\rangle", r"\langle 1,2\rangle"),
    (r"\sec^2 x", r"\frac{1}{\cos^2 x}"),
    (r"\arctan 1", r"\frac{\pi}{4}"),
    (r"\sqrt{3+2\sqrt2}", r"1+\sqrt2"),
    (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt2}{2}"),
    (r"\frac{\sqrt{5}-1}{2}", r"\frac{2}{1+\sqrt5}"),
    ("3.0", "3"),
    ("003", "3"),
    ("-0", "0"),
    ("1,2,3", "3,2,1"),
    ("n(n-1)", "n^2-n"),
    (r"\max(3,5)", "5"),
    (r"\gcd(12,18)", "6"),
    (r"7 \bmod 4", "3"),
    (r"5\text{ apples}", "5"),
    (r"5 \text{ meters per second}", "5"),
    (r"5\,\mathrm{m/s}", "5"),
    (r"\$5.00", "5"),
    (r"5\%", "5"),
    (r"\frac{5}{100}", r"5\%"),
    (r"25\text{ cents}", "25"),
    (r"2\pi\text{ radians}", r"2\pi"),
    (r"[1,2]\cap\mathbb{Z}", r"[1,2]\cap\mathbb{Z}"),
    (r"x<3\text{ or }x>5", r"(-\infty,3)\cup(5,\infty)"),
    ("3 < x", "x > 3"),
    (r"\{x \mid x > 3\}", r"(3,\infty)"),
    (r"\left\{-1,\;1\right\}", r"\{1,-1\}"),
]

OTHER = [
    ("1", "2"),
    ("x+1", "x-1"),
    (r"\sqrt2", "1.414"),
    (r"\frac13", "0.333"),
    ("(1,2)", "(2,1)"),
    ("[1,2]", "(1,2)"),
    ("1,2", "1,3"),
    (r"\{1,2\}", r"\{1,2,3\}"),
    (r"\pm2", "2"),
    (r"\sin x", r"\cos x"),
    ("x=1", "y=1"),
    ("x>3", r"x\geq3"),
    ("|x|", "x"),
    ("2^{10}", "1025"),
    (r"\text{yes}", "no"),
    ("10:30", "10:31"),
    ("1011_2", "1011"),
    (r"\log_2 8", "2"),
    (r"\sum_{k=1}^n k", r"\sum_{k=1}^n k^2"),
    (r"\int_0^1 x dx", r"\int_0^1 x^2 dx"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\1\end{pmatrix}"),
    (r"\infty", r"-\infty"),
    ("0", "0.0001"),
    (r"\frac{0}{0}", "0"),
    ("1/0", r"\infty"),
    ("e", "2.718"),
    ("3x", "3y"),
    ("A", "B"),
    (r"\sqrt[3]{-8}", "2"),
    (r"\lfloor 3.7 \rfloor", "4"),
    (r"\gcd(12,18)", "12"),
    (r"\lim_{x\to0} x", r"\lim_{x\to1} x"),
]


@pytest.mark.parametrize(("answer", "gold"), SAME)
def test_the_same_answer_in_another_form_is_right(answer, gold):
    assert verify(f"\\boxed{{{answer}}}", gold, "math").strict


@pytest.mark.parametrize(("answer", "gold"), SAME)
def test_gold_as_the_answer_is_right(answer, gold):
    assert verify(f"\\boxed{{{gold}}}", gold, "math").strict


@pytest.mark.parametrize(("answer", "gold"), OTHER)
def test_another_answer_is_wrong(answer, gold):
    assert verify(f"\\boxed{{{answer}}}", gold, "math").status == "wrong"


PRESENTED = ["  {}  ", "${}$", "\\displaystyle {}", "{}.", "\\,{}\\,", "\n{}\n", "{{{}}}"]


@pytest.mark.parametrize("presented", PRESENTED)
def test_how_an_answer_is_presented_changes_nothing(presented):
    for answer, gold in SAME + OTHER:
        plain = verify(f"\\boxed{{{answer}}}", gold, "math")
        verdict = verify(f"\\boxed{{{presented.format(answer)}}}", gold, "math")
        assert verdict.status == plain.status, (answer, gold, verdict)
