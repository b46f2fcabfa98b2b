"""What a text gives as somebody's mistake: "A common error is 15", "15 is what a careless reader would get"."""

from __future__ import annotations

from slmr.verify.framing import any_of

# An error may be what a problem asks for, so it has to be a usual one.
_USUAL = "(?:common|frequent|typical|classic|usual|popular|natural|easy|careless|silly|well-known)"
_MISTAKE = any_of(
    "mistakes?", "traps?", "misconceptions?", "pitfalls?", "fallac(?:y|ies)", "blunders?", "oversights?",
    "misreadings?", "miscounts?", "miscalculations?",
)  # fmt: skip
_USUAL_ERROR = rf"{_USUAL} (?:\w+ )?(?:{_MISTAKE}|errors?)"
_HASTY = "(?:careless|hasty|sloppy|na[iï]ve|inattentive|unwary|thoughtless|superficial|beginner|guesser)"
_SLIPS = any_of(
    "forg[eo]t",
    "overlook",
    "ignor",
    "neglect",
    "mis(?:read|count|calculat|appl)",
    "(?:double|over)[- ]?count",
)

# "A common mistake is", "You may be tempted to", "A hasty solver would"
BEGINS_MISTAKE = any_of(
    rf"\b{_USUAL_ERROR}(?: here)? (?:is|was|of|to|would be|gives?|yields?|leads? to|results? in)\b",
    r"\btempt(?:ed|ing) to\b",
    rf"\b{_HASTY} (?:\w+ )?(?:would|might|may|could|will)\b",
)
# "is a mistake", ", a common error", "is what a careless reader would", "is what one would get if one forgot"
IS_MISTAKE = any_of(
    rf"(?:is|was|would be) (?:(?:just|only|indeed|of course|actually|also) )?(?:an?|the|one) (?:\w+ )?{_MISTAKE}\b",
    rf"(?:(?:is|was|would be) )?(?:an?|the) {_USUAL_ERROR}\b",
    rf"(?:is|was|would be) what (?:\w+ ){{0,2}}?{_HASTY}\b",
    rf"(?:is|was|would be) what [^.;!?\n]{{1,60}}?\b(?:if|when|by|after)\b[^.;!?\n]{{0,30}}?\b{_SLIPS}",
)
