"""What tells a lasting fact in an assistant's message from talk about the work: features, their weights, the score.

The assistant's sentence arrives masked, so that the features see its words and not its code. The weights were set by
hand, while reading sessions; a fact has to be about behaviour, in the present, and clear by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent_context.extractors.signals import dangles, words
from agent_context.learning import Kind

THIRD_PERSON = (
    r"aborts|accepts|adds|allows|appends|applies|belongs|blocks|bypasses|calls|captures|carries|checks|clears|compares"
    r"|comes|computes|contains|controls|copies|covers|creates|defaults|defines|deletes|depends|determines|disables|discards"
    r"|drops|enables|ensures|excludes|expects|exists|expires|explains|exposes|fails|falls|fetches|fires|follows|generates|gets|goes"
    r"|groups|handles|happens|holds|ignores|includes|inherits|installs|keeps|lacks|lives|loads|loses|logs|maps|marks|matches|merges"
    r"|moves|mutates|names|needs|operates|overrides|overwrites|owns|parses|passes|persists|points|preserves|prevents"
    r"|produces|provides|pushes|raises|reads|receives|records|redirects|refers|refuses|rejects|relies|removes|renames|replaces"
    r"|reports|requires|resets|resolves|respects|restores|returns|reuses|rewrites|runs|saves|scans|searches|sends|serves|sets"
    r"|shares|shows|skips|sorts|starts|stays|stops|stores|strips|supports|survives|takes|tracks|treats|triggers|truncates"
    r"|updates|uses|validates|waits|walks|works|wraps|writes"
)
PLURAL = (
    r"add|apply|call|come|contain|create|depend|exist|expect|fail|fire|follow|get|go|have|ignore|include|keep|live"
    r"|need|overwrite|point|produce|read|receive|rely|require|return|run|share|skip|start|stay|store|support|take|track"
    r"|trigger|use|work|write"
)


@dataclass(frozen=True, slots=True)
class Feature:
    """A property of a sentence and what it adds to the score."""

    name: str
    weight: float
    pattern: re.Pattern[str]


FEATURES = (
    Feature("behaviour", 2, words(rf"(?<!\bto\s)\b(?:{THIRD_PERSON})\b(?!\s?[:(])")),
    Feature(
        "behaviour of many", 1.5, words(rf"\b\w{{3,}}s\s(?:(?:only|always|never|both|all|also|then)\s)?(?:{PLURAL})\b")
    ),
    Feature(
        "state",
        1.5,
        words(
            r"""\b(?:is|are|gets?)\s(?:(?:only|always|never|not|automatically|also|then)\s)*(?:stored|generated|added|created|
            named|used|set|kept|called|read|written|deleted|removed|reset|cleared|preserved|captured|tracked|skipped|ignored
            |shared|triggered|loaded|saved|restored|copied|embedded|based|scoped|bound|passed|computed|derived|designed
            |required|needed|handled|merged|migrated|renamed|redirected|blocked|allowed|enforced|served|deployed
            |configured|defined|installed|detected|matched|truncated|encoded|indexed|keyed)\b"""
        ),
    ),
    Feature(
        "limit",
        2,
        words(
            r"""\b(?:only|never|always|cannot|can'?t|must|requires?|unless|regardless|even\s(?:if|when|though)|do(?:es)?(?:n'?t|\snot)
            |not|no\slonger|without|impossible|until)\b"""
        ),
    ),
    Feature(
        "condition",
        1,
        words(r"\b(?:if|when|whenever|before|after|once|while|during|whereas|instead\sof|rather\sthan)\b"),
    ),
    Feature(
        "reason",
        1.5,
        words(r"\b(?:because|since|so\sthat|which\smeans|meaning|in\sorder\sto|otherwise|that'?s\swhy)\b"),
    ),
    Feature(
        "emphasis",
        2,
        words(
            r"""^\W*(?:key|important|note|gotcha|caveat|root\scause|lesson|core|crucial|the\s(?:key|main|core|important)\s
            (?:insight|point|difference|distinction))\b|\bby\sdesign\b|\bintentional(?:ly)?\b|\bdeliberate(?:ly)?\b|\bon\spurpose\b
            |\bsource\sof\struth\b|\bconvention\b|\binvariant\b"""
        ),
    ),
    Feature("code", 1.5, re.compile(r"`x+`")),
    Feature("several names", 0.5, re.compile(r"`x+`.*`x+`")),
    Feature("many names", -1, re.compile(r"(?:`x+`.*){5}")),
    Feature("contrast", 1, words(r"\b(?:but|while|whereas|although|however|instead)\b|[;\u2014]\s")),
    Feature("arrow", 0.5, re.compile(r"\u2192|->")),
    Feature("short", -1.5, re.compile(r"^(?:\S+\s+){0,7}\S+$")),
    Feature("long", -1, re.compile(r"^.{220,}", re.DOTALL)),
    Feature("modal", -1.5, words(r"\b(?:would|could|should|can|will)\b")),
    Feature("numbers", -0.5, re.compile(r"\b\d+\b.*\b\d+\b")),
    Feature(
        "flaw",
        -2,
        words(
            r"""\b(?:bugs?|issues?|problems?|errors?|fix(?:es|ed)?|missing|unused|redundan\w+|duplicat\w+|stale|wrong|incorrect\w*
            |broken|fail(?:s|ed|ing|ures?)?|concerns?|dead\scode|inconsisten\w+|risk\w*|leak\w*|rac[ey]s?)\b"""
        ),
    ),
    Feature(
        "code review",
        -2,
        words(r"\b(?:nil|helper|parameters?|arguments?|variables?|imports?|structs?|loops?|lines?|literal|regex)\b"),
    ),
    Feature(
        "praise",
        -2,
        words(
            r"\b(?:clean\w*|simpl\w+|easi\w+|better|consisten\w+|nice|safe\w*|robust|good|clear\w*|straightforward|minimal|correctly)\b"
        ),
    ),
    Feature("hedge", -1.5, words(r"\b(?:already|just|yet|still|you|your|anyway|basically|actually|really|also)\b")),
    Feature(
        "test", -2.5, words(r"\b(?:tests?|testing|coverage|assert\w*|verif(?:y|ies|ied)|fixtures?|mocks?|lint\w*)\b")
    ),
)
REFUSED = {
    "a question, a lead-in or a fragment": words(
        r"""[?:]\W*$|\?\s|^(?:when|if)\b[^,]*:|^(?:your|code|the\ssame|current|for\sexample|revert\w*)\b|\binstead\W*$|\s~?[a-z]\W*(?:\(|$)
        |\b(?:all|these|both\sof)\s(?:three|four|five|six)\b|\b(?:accurately|describes)\b"""
    ),
    "a person speaking": words(
        r"\b(?:i|i'(?:m|ve|ll|d)|me|my|let'?s?|we|we'(?:ll|d|ve|re)|our|us|you'(?:re|ve|ll|d))\b"
    ),
    "a report or a plan": words(
        r"""^\W*(?:add|apply|call|chang|check|clarif|consolidat|convert|creat|delet|enhanc|ensur|expand|extract|find|fix|found
        |get|handl|implement|improv|introduc|keep|kept|made|mak|migrat|modif|mov|pass|ran|read|refactor|remov|renam|replac|return
        |run|set|simplif|skip|stor|support|switch|test|updat|us|verif|write|wrote)(?:e|ed|d|y|ied|s)?\b
        |^\W*(?:[a-z]+ing|new|both\stests|all\stests|option|step|phase|approach|status|result|example|done|perfect|great|good|yes
        |no|ok(?:ay)?|right|looks?|so|confirmed|file|tl;?dr|before|after(?=:)|scenario|the\sfix|recommendation|proposed|suggestion
        |pros?|cons?|lines?|what|why|how|where|risk|severity|location|impact|problem|issue|evidence|then|next|first|second(?:ly)?
        |finally|also|now|currently|commits?(?=:))\b(?!\s(?:hook|strategy|command))
        |\b(?:renamed|changed|moved|switched|converted)\s(?:to|from)\b|\b(?:notice|showing|approach)\b"""
    ),
    "a guess": words(
        r"""\b(?:may|might|maybe|perhaps|probably|likely|seems?|appears?|looks?\slike|presumably|possibly|assum\w+|suggest\w*
        |propos\w+|recommend\w*|consider|want|suspect|unclear|potential\w*|ideally|in\stheory|hypothe\w+|plan(?:s|ned)?)\b"""
    ),
    "of the past or the moment": words(
        r"""\b(?:was|were|had|did|made|showed|got|went|took|came|wrote|sent|happened|ended\sup|tried|(?:did|was|were)n'?t
        |(?:has|have)\sbeen|previously|today|yesterday|currently|at\sthe\smoment|pre-existing|originally|recently|so\sfar|now
        |above|below|following|earlier|complete|completed|working|implemented|finished)\b"""
    ),
    "of this session only": words(
        r"""\b(?:this|the|that|these|those)\s(?:current\s|local\s|same\s)?
        (?:branch|prs?|diff|commit\s(?:history|log)|patch|ticket|comments?|reviewer|feedback|changes?|fix|bug|issue|error|plan|task
        |step|tests?|output|logs?|failure|warning|session\slog|refactor\w*|implementation|question|problem|function|method|lines?
        |new\s(?:\w+\s)?(?:behaviou?r|code|field|file|flag|function|helper|logic|method|option|tests?|version))\b"""
    ),
    "numbered": re.compile(
        r"""\#\d+|\b(?:PR|MR|Phase|Step|Fix|Option|Issue|Approach|Task|Part|Scenario|Session)\ ?[#\dA-F]
        |\b(?!UTF|SHA|ISO|RFC|MD|ES|CVE|PEP|AES|RSA|GPT|HTTP|TLS|CP|BASE|P)[A-Z]{2,8}-\d+\b
        |\b[Ll]ines?\ \d|:\d+|~\d+\ lines|\d{4}-\d{2}-\d{2}|[\u2705\u274c\u2713\u2717\u26a0]|\([+-]\d
        |\b\d+\ (?:new\ |unit\ |integration\ )?(?:tests|files|places|occurrences|lines|issues|comments)\b""",
        re.VERBOSE,
    ),
}
STATEMENTS = frozenset({"behaviour", "behaviour of many", "state"})
VERBS = words(r"\b(?:is|are|has|have|can|cannot|must|do|does|needs?|don'?t|doesn'?t|won'?t|will)\b")

# What the place and the form of a passage are judged by.
SUBJECTLESS = words(rf"^\W*(?:(?:only|also|always|never|then|does\snot|doesn'?t)\s)*(?:{THIRD_PERSON}|does|is|are)\b")
FLAWED = words(
    r"""\b(?:never|not|don'?t|doesn'?t|isn'?t|aren'?t|without|no)\s(?:\w+ly\s|get\s|been\s|being\s)*
    (?:call(?:ed)?|us(?:e|ed|ing)|set|display\w*|show\w*|check\w*|pass\w*|propagat\w+|includ\w+|aware|handl\w+|implement\w*
    |restor\w+|copy|copied|match\w*|return\w*|get|filter\w*|clean\w*|updat\w+|clear\w*|have|exist|what|import\w*|know|expose\w*
    |log\w*)\b
    |\bonly\s(?:includes?|checks?|restores?|handles?|calls?|shows?|has|looks?)\b
    |\b(?:misleading|gap|dropped|lost|ignores?|hardcoded|worse)\b|\bneeds?\sto\b"""
)
CHANGED = words(
    r"""(?:^|[;:]\s|\s[-\u2013\u2014]\s)\W*(?:added|updated|removed|replaced|renamed|changed|modified|created|fixed|moved|refactored|extracted
    |converted|already|logs|either|like|uses\snew)\b"""
)
EXAMPLES = re.compile(
    r"\bTest[A-Z]\w+|\.\w+:\d|\bL\d+\b|\b\d[\d.]*k\b|\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b|\b(?:foo|bar)\b"
    r"|\b(?:[Ff]ile|[Ss]ession|[Bb]ranch|[Cc]ommit|[Uu]ser|[Aa]gent|[Pp]rompt|[Ss]tep|[Cc]ase)s?[ -](?:[A-D]|\d)\b"
    r"|\b[Uu]ser (?:asked|committed|says|said|wants)\b"
)
UNFINISHED = words(
    r"\b(?:when|if|like|where|to|by|for|that|with|on|in|is|are|means?|because|either|includes?|following|example)\W*:\W*$"
)
VERSUS = words(r"\b(?:instead\sof|rather\sthan)\b")
HEADINGS = words(
    r"""\b(?:plan|options?|approach|proposed|proposal|recommend\w*|suggest\w*|next|change[sd]?|files?|tests?|testing|fix(?:es|ed|ing)?
    |steps?|phase|pros|cons|verification|verdict|results?|review|praise|strengths?|minor|issues?|bugs?|problems?|concerns?|todo|tasks?
    |risks?|nits?|critical|added|removed|questions?|trade-?offs?|benefits|before|example|scenarios?|status|prs?|what\swas|updated
    |current\sstate|idea|brainstorm|alternatives?|improvements?|missing|gaps?|solution|why\sthis)\b"""
)
PLAIN_HEADINGS = words(
    r"""\b(?:how\s.*\b(?:works?|flows?)|behaviou?r|overview|actual|design|findings?|insights?|rules?|flow|architecture|logic
    |summary|difference|notes?|important)\b"""
)
INTENDED = words(r"\b(?:by\sdesign|intentional(?:ly)?|deliberate(?:ly)?|on\spurpose|decided)\b")
SURPRISING = words(
    r"\b(?:only|never|not|cannot|can'?t|without|no\slonger|\w+n't|unless|even\s(?:if|when|though)|regardless)\b"
)


def weigh(masked: str) -> float | None:
    """Return the sum of the sentence's features, or None where the sentence can be no lasting fact."""
    if any(pattern.search(masked) for pattern in REFUSED.values()) or dangles(masked):
        return None
    found = [feature for feature in FEATURES if feature.pattern.search(masked)]
    if not (VERBS.search(masked) or any(feature.name in STATEMENTS for feature in found)):
        return None
    return sum(feature.weight for feature in found)


def classify_fact(claim: str) -> Kind:
    """Return the kind of learning that a fact makes."""
    if INTENDED.search(claim):
        return Kind.DECISION
    return Kind.GOTCHA if SURPRISING.search(claim) else Kind.CONFIGURATION
