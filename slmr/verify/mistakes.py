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
_HASTY = "(?:careless|hasty|sloppy|na[iï]ve|inattentive|unwary|thoughtless|superficial|beginners?|guessers?)"
_MAY = "(?:would|might|may|could|will|often|usually|easily)"
_ANSWERS = "(?:say|write|answer|get|report|give|conclude|claim|guess|state|think|pick|choose|find|obtain)"
# Only what is never done on purpose; "ignoring the negative root" may be right, "if one had ignored it" is not.
_SLIPS = any_of(
    r"forg[eo]t\w*", r"overlook\w*", r"mis(?:read|count|calculat|appl)\w*", r"(?:double|over)[- ]?count\w*",
    "ignored", "neglected",
)  # fmt: skip

# "A common mistake is", "You may be tempted to", "A hasty solver would write"
BEGINS_MISTAKE = any_of(
    rf"\b{_USUAL_ERROR}(?: here)? (?:is|was|of|to|would be|gives?|yields?|leads? to|results? in)\b",
    r"\b(?:tempt(?:ed|ing)|inclined) to\b",
    r"\bfall(?:ing)? (?:for|into)\b",
    rf"\b{_HASTY} (?:\w+ )?(?:{_MAY} )+{_ANSWERS}\b",
)
_IS = "(?:is|was|would be)"
# "is a mistake", ", a common error", "is what a careless reader would", "is what one would get if one forgot"
IS_MISTAKE = any_of(
    rf"{_IS} (?:(?:just|only|indeed|of course|actually|also) )?(?:an?|the|one) (?:\w+ )?{_MISTAKE}\b",
    rf"(?:{_IS} )?(?:an?|the) {_USUAL_ERROR}\b",
    rf"(?:comes?|came|results?|stems?|arises?) from (?:an?|the|this) (?:\w+ )?(?:{_MISTAKE}|error)\b",
    rf"{_IS} (?:what|the (?:answer|value|result|number)(?: that)?) (?:\w+ ){{0,2}}?{_HASTY}\b",
    # "is what most people get, but they are mistaken"
    rf"{_IS} (?:what|the (?:\w+ )?(?:answer|value|result|number|guess|choice)(?: that)?)\b[^.;!?\n]{{0,60}}?,? "
    r"(?:but|yet|and|though|although|however)\b[^.;!?\n]{0,20}? (?:mistaken|wrong|incorrect|false"
    r"|not (?:right|correct|true))\b(?! (?:to|about|in|with)\b)",
    rf"{_IS} (?:what|obtained|found|reached)\b[^.;!?\n]{{0,60}}?\b(?:if|when|by|after)\b[^.;!?\n]{{0,30}}?\b{_SLIPS}",
)
