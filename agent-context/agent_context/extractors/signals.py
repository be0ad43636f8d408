"""What tells a sentence worth keeping from talk: the literal tables, and the judgement on one sentence by them.

A person's sentence arrives masked (code, quotes and paths as `xxx`), so that the tables see the speaker's own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent_context.learning import Kind


def words(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern of a table: verbose, in either case."""
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


@dataclass(frozen=True, slots=True)
class Signal:
    """A way of speaking, what it is worth (0 to 100), and the kind it makes. A `standing` one outlives its task."""

    name: str
    score: int
    kind: Kind
    pattern: re.Pattern[str]
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Weight:
    """What a sentence is worth, and the kind of learning that its strongest signal makes."""

    score: int
    kind: Kind


THRESHOLD = 60
SECOND_SIGNAL = 10

BEGIN = r"(?:^|[,;:.(]\s|\s-{1,2}\s|\s[\u2013\u2014]\s|\b(?:and|but|so|please|then|or|just|also)\s)"
SCOPE = (
    r"(?:repo|repository|project|code\s?base|code|team|company|monorepo|app|application|package|service|library"
    r"|site|website|workspace|org|organi[sz]ation)\b"
)
REASON = words(
    r"""\b(?:because|since|so\sthat|in\sorder\s(?:to|not)|otherwise|due\sto|that'?s\swhy|the\sreason
    |to\s(?:avoid|not|keep|prevent))\b|\bas\s(?:we|they|you)\b"""
)

SIGNALS = (
    Signal(
        "remember",
        100,
        Kind.CONVENTION,
        words(
            r"""^remember\s*[:,-]|^(?:please\s)?(?:remember|(?:keep|bear)\sin\smind|do(?:n'?t|\snot)\sforget)\s(?:that|to)\b
            |^(?:note|be\saware)\sthat\b|^(?:heads[\s-]up|just\sso\syou\sknow)\b"""
        ),
        standing=True,
    ),
    Signal(
        "note for later",
        90,
        Kind.CONVENTION,
        words(
            r"""\b(?:add|put|note|write|record)\b.*\b(?:claude\.md|agents\.md|memory|rules?|guidelines|conventions)\b
            .{0,12}(?:\bthat\b|:)|\bfor\s(?:future\sreference|next\stime|the\srecord)\b"""
        ),
        standing=True,
    ),
    Signal(
        "always or never",
        85,
        Kind.CONVENTION,
        words(
            BEGIN
            + r"""(?:always|never|do(?:n'?t|\snot)\sever)\s(?!mind\b)\w+
            |\b(?:we|you|should|must|to|please)\s(?:really\s)?(?:always|never)\s(?!\w+ed\b)\w+
            |\b(?:from\snow\son|going\sforward|henceforth|as\sa\srule|under\sno\scircumstances|without\sexception
            |at\sall\stimes)\b"""
        ),
        standing=True,
    ),
    Signal(
        "in this project",
        70,
        Kind.CONVENTION,
        words(
            r"\b(?:in|for|across|throughout|on)\s(?:this|our|the\s(?:whole|entire))\s(?:whole\s|entire\s)?"
            + SCOPE
            + r".*\b(?:we|use|should|must|want|do(?:n'?t|\snot)|only|is|are|has|have)\b"
            + r"|\b(?:we|use|must|should|only|lives?|stays?|are|is)\b.*\bin\s(?:this|our)\s"
            + SCOPE
            + r"$"
        ),
        standing=True,
    ),
    Signal(
        "every time",
        65,
        Kind.CONVENTION,
        words(
            BEGIN
            + r"""(?:whenever|every\s?time|each\stime|in\sgeneral|generally|by\sdefault)\b
            |\bevery\stime\b
            |\bany\s\w+(?:\s\w+){0,3}\syou\s(?:notice|see|find|touch|write|add|make|change)\b"""
        ),
        standing=True,
    ),
    Signal("everywhere", 65, Kind.CONVENTION, words(r"\b(?:everywhere|every\ssingle|in\sall\scases)\b")),
    Signal(
        "on purpose",
        70,
        Kind.DECISION,
        words(
            r"""\b(?:on\spurpose|by\sdesign|intentional(?:ly)?|deliberate(?:ly)?|that'?s\swhy\swe
            |the\sreason\s(?:is|we|for)|single\ssource\sof\struth)\b"""
        ),
    ),
    Signal(
        "preference",
        65,
        Kind.PREFERENCE,
        words(
            r"""\bi\s(?:\w+ly\s|much\s|also\s)?(?:prefer|(?:never|always)\swant
            |(?:hate|dislike|do(?:n'?t|\snot)\s(?:want|like))(?!\s(?:the|th[aei]\w+|it|how)\b))\b
            |\bi(?:'d|\swould)\s(?:rather|prefer)\b|\bmy\spreference\b"""
        ),
    ),
    Signal(
        "habit",
        60,
        Kind.CONVENTION,
        words(
            r"""\bwe\s(?:\w+ly\s|only\s|also\s|do\s|still\s|now\s|all\s)?
            (?:use|using|don'?t|do\snot|prefer|avoid|keep|store|deploy|ship|build|commit|test|write|put
            |publish|release|host|name|target|support|require|follow|rely\son|stick\sto|removed|dropped|deprecated
            |(?:moved|switched|migrated)\sto|standardi[sz]ed)\b
            (?!\s(?:need|have\sto|want|know|think)\b)"""
        ),
    ),
    Signal(
        "contrast",
        60,
        Kind.CONVENTION,
        words(
            BEGIN
            + r"""(?:use|prefer|call|run|write|choose|pick|want|import|pass|return|put|it'?s|(?:should|must)\sbe
            |we\s(?:use|want|prefer))\s(?!(?:the|an?|my|your|both)\s).*
            (?:\b(?:instead\sof|rather\sthan|in\sfavou?r\sof|over|and\snot)\b|,?\snot\s)
            |\b(?:should|must)\s.*(?:,\snot\s|\b(?:instead\sof|rather\sthan|and\snot)\b)|^not\s.*\bbut\b
            |\b(?:instead\sof|rather\sthan)\b.*\b(?:use|prefer)\b
            |\b(?:is|are|we'?re|lives?|goes|go|belongs?|returns?|means?|uses?|takes?|runs?|wants?|expects?|insists?)\b.*,\snot\s
            (?!sure|that|yet|only|just|the\s(?:one|other))
            |\bdo(?:n'?t|\snot)\suse\b.*[,;.\u2013\u2014-]\s(?:but\s|please\s|instead\s)?use\b"""
        ),
    ),
    Signal(
        "rule",
        60,
        Kind.CONVENTION,
        words(
            r"""\b(?:must|should|shall)(?:\s?n[o']t|nt)?\s(?:never|always|only)\b|\b(?:must|(?:should|shall)(?:\snot|n'?t))\b
            |\b(?:make\ssure|ensure|be\ssure)\b.*\b(?:every|each|never|only)\b
            |^(?!(?:the|th[eo]se|th[ai][st]|we|you|i|it|they)\b)
            (?:[a-z-]+\s){0,3}[a-z]{2,}s\s(?:should|(?:need|have)\sto|can\sonly|cannot)\b
            |^only\s(?:call|change|commit|edit|import|run|touch|use|write)\b|\bonly\s.{1,60}\sshould\b|\byou\s(?:have|need)\sto\b.*\b(?:before|after|whenever|each\stime)\b
            |"""
            + BEGIN
            + r"(?:do(?:n'?t|\snot)|stop|avoid)\s\w+\s(?:\w+\s)?"
            + r"(?!(?:changes|files|things|words|us|this|tests)\b)[a-z]{3,}s\b"
        ),
    ),
    Signal(
        "prohibition",
        50,
        Kind.CONVENTION,
        words(
            BEGIN
            + r"""(?:do(?:n'?t|\snot)|avoid|stop|no\sneed\sto|there\s(?:should|must)\sbe\sno
            |(?:we|you)\s(?:may\snot|can(?:\s?no|'?)t)|you\s(?:don'?t|do\snot)\s(?:need|have)\sto)\s\w+"""
        ),
    ),
    Signal(
        "fact",
        55,
        Kind.CONFIGURATION,
        words(
            r"""\b(?:lives?|(?:is|are|gets?)\s(?:hosted|deployed|published|generated|stored|defined|configured|served|released
            |built|installed|named|called|set))\s(?:in|on|by|from|at|with|via|under|using|to|after|next\sto|inside|outside|below|beside)\b
            |\b(?:requires?|depends?\son|(?<!\bwe\s)(?<!\bi\s)(?<!\byou\s)needs?\s(?:an?|at\sleast)
            |only\s(?:works?|supports?|runs?|exists?)|is\s(?:deprecated|read-only|case-sensitive)
            |do(?:es)?(?:n'?t|\snot)\ssupport|is\snot\ssupported|no\slonger|anymore|env(?:ironment)?\svar(?:iable)?)\b"""
        ),
    ),
    Signal(
        "decision",
        45,
        Kind.DECISION,
        words(
            r"""\b(?:let'?s|we(?:'ll|\s(?:will|should|decided|are\sgoing|went|chose|agreed))|i(?:'ll|'d)\s(?:go|stick)
            |(?:go|going|went|stick)\swith|decided)\b"""
        ),
    ),
    Signal(
        "norm",
        35,
        Kind.CONVENTION,
        words(
            r"""\b(?:should|ha(?:s|ve)\sto|needs?\sto)\s(?:be|use|have|stay|contain|match|follow|go|live|start|end|come|only|work)\b
            |\b(?:make\ssure|ensure|be\s(?:sure|careful))\b"""
        ),
    ),
)
BONUSES = (
    (15, REASON),
    (10, words(r"\b(?:all|any|every|each|only|no|both|strict(?:ly)?|explicit(?:ly)?|everyone|nobody)\b")),
    (10, re.compile(r"`x+`|\b\d{2,5}\b")),
    (10, words(r"\b(?:if|when|whenever|unless)\b")),
    (-10, words(r"\bfor\sexample\b|^\d|\bsome\b")),
    (-15, words(r"^the\s(?:\w+\s){1,3}(?:must|should)\b")),
    (-15, words(r"\bnow\b|\b(?:want|like)\sto\b|\bwould\sbe\b")),
)
CORRECTION = words(
    r"""^(?:(?:ok(?:ay)?|so|hm+|well|oh|ah|but|um+)\b[\s,]+)*
    (?:(?:no|nope|nah|wrong|incorrect|actually|not\squite|stop|wait|hold\son)\b\s*[,.:;!\u2013\u2014-]
    |(?:no|nah)\s(?=(?:i|we|you|don'?t|never|use|it|that|the)\b)|actually\b)"""
)
CONTRADICTION = words(
    r"""\b(?:you(?:'re|\sare)|th(?:at|is)(?:'s|\sis)|it(?:'s|\sis)|part\sis)\s
    (?:not\s(?:(?:quite\s)?(?:correct|right|true)|how\s\w+\sworks?)|wrong|incorrect)\b"""
)
CORRECTED = 25
CONTRADICTED = 60

REJECTIONS = {
    "a question": words(
        r"""\?\W*$|^(?:what|why|how|who|whose|where|which|is|are|was|were|isn'?t|aren'?t|question|q)\b(?!\smatters?\b)
        |^when\s(?:do|does|did|is|are|will|should|can)\b
        |^(?:do|does|did|can|could|would|will|should|shall|has|have|had|am|(?:do|does|did|wo|would|should|could|ca)n'?t)\s
        (?:we|you|i|it|they|this|that|there|these|those|the)\b
        |(?:,|\s-)\s(?:right|yeah|no|or|hey|correct|yes|ok(?:ay)?)\W*$|\s(?:right|yeah|yea)\W*$"""
    ),
    "of this session only": re.compile(
        r"""\#\d+|\b(?:PR|MR)\ ?\#?\d
        |(?i:\b(?:the|my|our|your|that|other|draft|existing|merged)\ (?:\w+\ )?(?:PRs?|MRs?|pull\ requests?)\b)
        |\b(?!UTF|SHA|ISO|RFC|MD|ES|CVE|PEP|AES|RSA|GPT|HTTP|TLS|CP|BASE|P)[A-Z]{2,8}-\d+\b
        |\b[0-9a-f]{8}-[0-9a-f]{4}-|\b(?=\w*\d)(?=\w*[a-f])[0-9a-f]{7,40}\b|\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}\b|:\d+:\d+\b
        |(?i:\blines?\ \d+|\b(?:the|our|my|your|local|current|that)\ (?:branch|diff|patch|ticket|feedback
        |working\ copy|stash|review|comments?|merge|conflicts?|changes?|draft|screenshot|output|logs?|fix
        |bug|issue|error|test|warning|finding)\b
        |\b(?:today|tomorrow|yesterday|tonight|right\ now|for\ now|at\ (?:the\ moment|this\ point)|so\ far|earlier
        |just\ now|this\ time|last\ time|next\ week|currently|again|yet|temporar(?:y|ily)
        |never\ mind|later|session\ \w)\b)""",
        re.VERBOSE,
    ),
    "a report": words(
        r"""\bi\s(?:just|see|saw|got|get|noticed|found|tried|ran|have|had|updated|removed|merged|changed|pushed|created|added
        |started|installed|was|am|did|didn'?t|meant?|feel|guess|wonder|assume|understand|recall|remember|messed|put|made
        |can|could|don'?t\s(?:see|know|think|understand|recall|remember|get|mind|care|really|actually))\b
        |\bi'?(?:m|ve)\b|\b(?:you|we'?ve|you'?ve)\s(?:did|wrote|added|removed|changed|said|just|broke|have(?!\sto)|had|already)\b
        |\b(?:is|are|was|were|keeps?|still|seems?|got|get|getting)\s(?:failing|broken|stuck|crashing|not\sworking|unhappy|wrong)\b
        |\b(?:seems?|looks?|sounds?)\b(?!\sat\b)|\bdoesn'?t\swork\b|\bfails?$"""
    ),
    "a guess": words(
        r"""\b(?:maybe|perhaps|not\ssure|wonder(?:ing)?|might|could|probably|suppose|possibly|believe|likely|i\s(?:guess|think)
        |what\sif|how\sabout|if\s(?:possible|needed|necessary)|up\sto\syou|would\sbe\s(?:nice|good|great)|in\stheory)\b"""
    ),
    "for one occasion": words(
        r"""^use\b.*\b(?:skill|plugin|(?:sub)?agents?|ultrathink)\b
        |\b(?:do(?:n'?t|\snot)|without)\s(?:\w+\s){1,2}any(?:thing|\s(?:code|files?|changes?))(?:\s(?:yet|else|just)\b|[^\w\s]|$)
        |\b(?:should|must)\s(?:\w+\s)?be\sable\sto\b|^just\b|\bjust\s(?:let|tell|explain|show|check|validate|report|list)\b"""
    ),
}
DANGLING = words(
    r"""^(?:its?|it's|that|that's|these|those|they|they're|he|she|his|her|him|them|there's|here|here's|same|which|such|else
    |another|ones?|yes|both(?=\s(?:are|should|have|must)))\b|^there\b(?!\s(?:is\sno|are\sno|should|must|can))
    |\bthis\b(?!\s(?:\w+\s)?"""
    + SCOPE
    + r""")|\b(?:these|those)\b(?!\s(?:who|that|which)\b)
    |(?:[,;:]\s|\b(?:and|but|or|because|when|do|does|did|doing|like|for|of|with|on|in|from|to|at|by|about|after|before|than
    |using|use|see|change|keep|remove|let'?s|is|was|all|so)\s)that\b(?!'?s\swhy)
    (?!\s(?:we|you|i|it|they|the|an?|our|your|all|every|any|no|only|are|have|`|\w+s\b))
    |\bthe\s(?:ones?|above|below|former|latter|others?|rest|last|previous|prior|next|following|existing|new|old|current)\b
    |\b(?:that|other|each|another)\sone\b|\bthe\ssame\s(?:here|there|thing|again)\b
    |\bthe\s(?:first|second|third|fourth)\s(?:one|option|part|point|item|approach|step|idea|thing|two|three)\b
    |\b(?:option|point|item|phase|scenario|prompt)\s[\dA-D]\b|^\#?\d+\b|\b\d\s?(?:and|&|or|\+|/)\s?\d\b
    |\b(?:above|below|aforementioned|as\s(?:discussed|mentioned))\b
    |\b(?:your|the)\s(?:proposal|suggestion|plan|idea|question|answer|summary|approach|refactor(?:ing)?|solution|scenario)\b"""
)
PRONOUN = words(r"\b(?:it|its|they|them|their|themselves|he|she|him|her)\b")
ANTECEDENT = re.compile(
    r"`x+`|\b(?:[Tt]he|[Aa]n?|[Oo]ur|[Yy]our|[Mm]y|[Aa]ll|[Aa]ny|[Ee]very|[Ee]ach|some|use|run) \w+"
    r"|\b\w{3,}(?<!thi)(?<!alway)(?:s|tions?|ments?)\b|\b[A-Z]{2,}\b|(?<!^)\b[A-Z]\w+"
)
ORDERS = words(
    r"""address|adjust|add|analy[sz]e|apply|ask|bring|build|change|check|clean|close|commit|compare|continue|convert|create
    |debug|delete|describe|disable|do|document|double|draft|drop|enable|evaluate|explain|extend|extract|find|fix|generate
    |get|give|go|have|help|ignore|implement|include|increase|install|investigate|leave|let|link|list|look|make|merge
    |migrate|modify|move|open|pop|print|proceed|propose|pull|push|put|read|rebase|reduce|refactor|release|remote|remove
    |rename|replace|reply|rerun|research|resolve|respond|retry|return|revert|review|rewrite|roll|run|say|search|see|set
    |show|simplify|skip|start|suggest|summari[sz]e|switch|tackle|take|talk|tell|test|think|try|undo|update|upgrade|verify
    |wait|write"""
)
ORDER_LEAD = words(
    r"""^(?:(?:(?:can|could|would|will)\s(?:you|we)|i(?:'d|\swould)\slike\s(?:(?:us|you)\s)?to|let'?s|lets|please|now
    |then|also|first|instead(?:\sof\s\S+(?=\s))?|just|we\s(?:need|have|want)\sto|we\s(?:should|can|will)|we'll
    |i\s(?:need|want)\s(?:you\s)?to|you\s(?:can|should)|go\sahead\sand)(?!\w)[\s,]*)+"""
)


STANDING_ORDERS = (["make", "sure"], ["do", "not"])


def judge(masked: str, corrected: int = 0) -> Weight | None:
    """Return what a person's sentence is worth, or None where it is not worth keeping or not clear by itself.

    `corrected` is what is added because the sentence corrects the agent.
    """
    if any(pattern.search(masked) for pattern in REJECTIONS.values()) or dangles(masked):
        return None
    found = [signal for signal in SIGNALS if signal.pattern.search(masked)]
    if is_order(masked) and not _outlives(found, masked):
        return None
    best = max(found, key=lambda signal: signal.score, default=None)
    score = corrected + sum(bonus for bonus, pattern in BONUSES if pattern.search(masked))
    if best is not None:
        score += best.score + SECOND_SIGNAL * (len(found) - 1)
    return Weight(score, best.kind if best else Kind.GOTCHA) if score >= THRESHOLD else None


def is_order(masked: str) -> bool:
    """Say whether the sentence begins by telling the agent to do something, or ends so: "fix it"."""
    spoken = re.findall(r"[a-z]+", ORDER_LEAD.sub("", masked, count=1).lower())
    if spoken[:2] in STANDING_ORDERS:
        return False
    last = spoken[-2:-1] if spoken[-1:] in (["it"], ["them"]) else []
    return any(ORDERS.fullmatch(word) for word in spoken[:1] + last)


def _outlives(found: list[Signal], masked: str) -> bool:
    """Say whether an order is meant for later too: a standing one, or a decision with its reason."""
    return any(signal.standing or (signal.name == "decision" and REASON.search(masked)) for signal in found)


def dangles(masked: str) -> bool:
    """Say whether the sentence points at something outside itself."""
    if DANGLING.search(masked):
        return True
    pronoun = PRONOUN.search(masked)
    return pronoun is not None and not ANTECEDENT.search(masked[: pronoun.start()])


KINDS = (
    (
        Kind.PREFERENCE,
        words(r"^i\s(?:\w+ly\s|also\s)?(?:prefer|like|hate|dislike|don'?t|want|never|always)\b|^i'?d\b"),
    ),
    (
        Kind.WORKFLOW,
        words(
            r"""\b(?:before|after|when|whenever|every\stime|always|never)\b.*
            \b(?:commit|push|merge|release|deploy|review|pull\srequest|rebase|run)(?:e?s|ing|ting)?\b"""
        ),
    ),
    (
        Kind.DEPENDENCY,
        words(
            r"""\b(?:depends?\son|dependenc(?:y|ies)|requires?\s\S+\s(?:\d|version)|upgrade|pin(?:ned)?|version\s\d
            |third[- ]party)\b"""
        ),
    ),
    (Kind.CONFIGURATION, words(r"\b(?:env(?:ironment)?\svar(?:iable)?s?|settings?|config(?:uration)?|ports?)\b")),
)


def classify(claim: str, kind: Kind) -> Kind:
    """Return the kind that a convention's words ask for; any other kind, which its signal chose, stays."""
    if kind is not Kind.CONVENTION:
        return kind
    return next((special for special, words in KINDS if words.search(claim)), kind)
