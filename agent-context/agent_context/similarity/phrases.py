"""Turns of phrase that say in several words, or in another form, what the lexicon knows as one word."""

from __future__ import annotations

import re

# What is replaced in the text (outside code) before it is cut into words, in this order.
PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"(?<=\w )(?-i:May)\b", "maymonth"),
        (r"(?<=\w )(?-i:Go)\b", "golang"),
        (r"\b(github|gitlab|bitbucket) (actions|ci|pipelines)\b", r"\1\2"),
        (r"\bcircle ci\b", "circleci"),
        (r"\bgoogle cloud(?: platform)?\b", "gcp"),
        (r"\bvs[- ]code\b", "vscode"),
        (r"\bcan(?:no|')t\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"\b(\w+)n't\b", r"\1 not"),
        (r"\b(dont|doesnt|didnt|isnt|shouldnt|mustnt)\b", "do not"),
        (r"\b(\w+)'(?:ll|re|ve|d)\b", r"\1"),
        (r"\b(it|that|there|here|what|let)'s\b", r"\1"),
        (r"'s\b|s'(?=\s)", ""),
        (r"\b(?:prior to|ahead of|in advance of)\b", "before"),
        (r"\b(?:only (?:after|once)|as soon as|directly after|right after|following)\b", "after"),
        (r"\b(?:not|never|only)? ?until after\b", "after"),
        (r"\b(?:rather than|in place of|as opposed to|in favou?r of not|in lieu of)\b", "instead of"),
        (r"\bunder no circumstances\b|\bat no (?:time|point)\b|\bnot ever\b", "never"),
        (
            r"\b(?:is|are|be) (?:strictly )?(?:off[- ]limits|not (?:permitted|allowed|ok|okay|fine|acceptable))\b",
            "is forbidden",
        ),
        (r"\b(?:make|be|making) (?:sure|certain)(?: that| to)?\b|\bensur(?:e|ing)(?: that)?\b", ""),
        (r"\b(?:remember|take care|do not forget|be careful|try|be sure|never forget) to\b", ""),
        (r"\b(?:at all times|in all cases|every single time|without exception)\b", "always"),
        (r"\bby hand\b|\bhand-(?=edit|writ|mad|craft)", "manually "),
        (r"\bpull[- ]requests?\b|\bmerge[- ]requests?\b|\bPRs?\b|\bMRs?\b", "pullrequest"),
        (r"\bby default\b", "default"),
        (r"\bcommand[- ]lines?\b", "cli"),
        (r"\bdata base", "database"),
        (r"\benv(?:ironment)? var(?:iable)?s?\b", "envvar"),
        (r"\bend[- ]to[- ]end\b|\be2e\b", "endtoend"),
        (r"\bk8s\b", "kubernetes"),
        (r"\bis (?:a )?(?:no[- ]go|taboo|not an option)\b", "is forbidden"),
        (r"\b(?:turn|switch)(?:ed|ing|s)? on\b", "enable"),
        (r"\b(?:turn|switch)(?:ed|ing|s)? off\b", "disable"),
        (r"\b(?:set|spin|fire|bring|boot)(?:s|ting|ning|ing)? up\b", "start"),
        (r"\bin (?:parallel|concurrence)\b", "parallel"),
        (r"\bin (?:sequence|series)\b|\bone (?:after (?:the other|another)|at a time)\b", "serially"),
        (r"\bplain[- ]?text\b", "plaintext"),
        (r"\bopen[- ]source\b", "opensource"),
        (r"\bsource code\b|\bcode ?base\b", "code"),
        (r"\bread[- ]only\b", "readonly"),
        (
            (
                r"\b(?:at least|no (?:less|fewer) than|a minimum of|minimum of)\b|\bor (?:newer|later|above|more)\b"
                r"|\band (?:up|newer|later|above)\b|\bonwards?\b"
            ),
            " atleast ",
        ),
        (r"\b(?:at most|not? more than|up to|(?:a )?maximum of|or (?:less|fewer|below))\b", " atmost "),
        (
            r"\b(?:(?:more|bigger|larger|greater|longer|higher) than|exceed(?:s|ing)?|over(?= \d)|above(?= \d))\b",
            " morethan ",
        ),
        (r"\b(?:(?:less|smaller|fewer|shorter|lower) than|under(?= \d)|below(?= \d))\b", " lessthan "),
        (
            r"\b(?:every|each|once a|once per|once every) (hour|day|night|week|month|year)\b",
            lambda m: {"day": "daily"}.get(m.group(1).lower(), m.group(1).lower() + "ly"),
        ),
        (r"\b(?:every time|any time|each time)\b", "when"),
        (r"\b(?:in case|provided that|as long as|on condition that)\b", "if"),
        (r"(?<!\bis )(?<!\bare )(?<!\bbe )\bused to\b", "formerly"),
        (r"\breach(es|ed|ing)? out\b", r"reach\1"),
        (r"\b(keep|keeps|kept|leave|leaves|stay|stays|belongs?)\b([^.,;:]{0,60}?) out of\b", r"\1\2 not in"),
        (r"\b(is|are|be|stays?|remains?|defaults? to) off\b", r"\1 disabled"),
        (r"\b(is|are|be|stays?|remains?) on(?=[.,;]|$| (?:by|in|for|when|unless|default)\b)", r"\1 enabled"),
        (r"\b(?:due to|owing to|on account of|thanks to|given that|seeing that)\b", "because"),
        (r"\bdrop(?:s|ped|ping)? support (?:for|of)\b", "not support"),
        (r"\b(?:drops?|falls?|goes) (?:below|under)\b", "lessthan"),
        (r"\b(?:is|are|be|stays?|remains?) (?:left alone|untouched)\b|\bleave alone\b", "must not be changed"),
        (r"\b(?:in order to|so as to)\b", "to"),
        (r"\bwith the help of\b|\bby means of\b|\bby using\b|\bvia\b|\bthrough\b", "using"),
        (
            (
                r"\b(?:do|does|is|are)(?: not)? (?:need not|not (?:need(?:ed)?|required?|necessary)(?: to have| to)?)\b"
                r"|\b(?:no need (?:for|to)|not need(?:s|ed)?|exempt from)\b"
            ),
            "without",
        ),
        (r"\bno longer\b|\bnot (?:any ?more|any longer)\b", "not"),
        (r"\b(?:and|but) not\b", ", not"),
        (r"\b(?:at the|in the) (end|root|top|bottom|beginning|start)\b", r"at \1"),
        (r"\b(\w+)(?: \w+)? (?:as well|too)(?=[.,;]|$)", r"\1 also"),
        (
            r"\bthe (?:user|developer|maintainer|team)s? (?:want|wish|ask|like|prefer)(?:e?[sd])?(?: for| to)?\b",
            "prefer",
        ),
        (
            (
                r"\b(?:has|have|had|need|needs|needed|ought|(?:is|are) (?:required|supposed|to))"
                r" (?:to )?(?=be\b|\w+ed\b)"
            ),
            "must ",
        ),
        (r"\b(?:has|have|need|needs|ought|required|supposed) to\b", "must"),
        (r"->|=>|\u2192|\u21d2", " to "),
    )
)
