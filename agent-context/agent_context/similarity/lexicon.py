"""The words that developers' rules are made of: what says the same, what the opposite, what is one of a kind.

Only words that can stand for each other in a rule without changing it share a group of SYNONYMS. Stems, not words, are
looked up: `stem` takes the endings off.
"""

from __future__ import annotations

import re
from functools import cache


def take_words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


WORD = re.compile(r"[^\W_]+")

# Words that carry no claim of their own: articles, pronouns, auxiliaries, what only colours or obliges.
LIGHT = take_words("""
    a all also always am an and any are as at be been being both by can could did do does done each either ever every
    everything everywhere existing for from get gets go goes going got had has have having he her here his how i
    if in into is it its itself just let like likes make may me might must my of on one onto or our ours per please
    shall she should so such than that the their theirs them themselves then there these they this those to under up
    upon us was we were what when whenever where wherever which who whom whose will with within would you your yours
    yourself allowed permitted fine ok okay acceptable possible actually basically really simply quite very
    """)
# Words that a paraphrase may gain or lose; less than a claim, more than nothing.
WEAK = take_words("""
    anything apply automatically belong better bit block carry case code come concern contain current exist explicit
    extra file folder go good happen include instance item itself keep kind literally live mean need new now
    particular perform piece place platform please prefer project proper put repository respective run same serve set
    sit specific stay sure take there thing together use usual version want way whole work write
    """)
# Weak words of which one may stand for another; other weak words come or go, but do not change into each other.
LOOSE = (
    take_words("belong go keep live place put sit stay"),
    take_words("apply need prefer run use want work"),
    take_words("carry come contain include need put serve write"),
)

NEGATORS = take_words(
    "not never no nobody none nothing neither nor avoid refrain forbidden forbid prohibited prohibit "
    "disallowed disallow ban banned nowhere"
)
# What says that something is allowed, where another text obliges.
PERMISSION = take_words("may can might could allowed allow permitted optional optionally fine ok okay acceptable")
# Words that bound a claim. A claim that has one is not the claim without it.
BOUNDS = take_words("""
    some most many several few only except unless until usually sometimes often rarely mostly generally occasionally
    almost nearly partly partially temporarily preferably possibly probably maybe first last least most
    exactly just half alone other another otherwise again already yet still
    typically normally frequently seldom own hardly barely roughly approximately ideally recommended unlikely
    """) - {"just", "already", "still"}
CONDITIONAL = take_words("unless until except only")

# Between two bars: words (or stems) that say the same in a rule.
SYNONYMS = """
    run execute launch invoke call | use utilise utilize employ using usage | start begin boot |
    stop abort halt quit terminate | end finish complete | crash die | fail break broken failure |
    need require requirement necessary demand depend | write author | document documentation doc |
    delete remove erase wipe purge | create generate make produce build-up | regenerate rebuild recreate |
    build compile | change modify alter edit touch update adapt | put place | add insert append |
    live reside located lie belong kept find found sit | keep retain preserve | store save persist |
    show display print render | check verify validate | read load fetch-from | fetch get retrieve obtain |
    send deliver transmit | set configure | configuration config setting settings preference | folder directory dir |
    repository repo | application app | development dev develop | production prod live-system | database db |
    environment env | parameter param | argument arg | function func | administrator admin | authentication authn |
    javascript js | typescript ts | postgres postgresql | python py | golang go-language | information info |
    specification spec | dependency dep | library lib | statistic stats | message msg | image picture |
    error failure-report | big large huge | small tiny short little brief concise | quick fast rapid |
    manual manually | automatic automatically automated auto |
    parallel parallelise parallelize concurrent concurrently parallelly | serial serially sequential sequentially |
    regular regularly | separate separately | direct directly | silent silently quietly | strict strictly |
    permanent permanently forever | immediate immediately instantly straightaway | prefer favour favor |
    choose pick select | explain describe | ask consult | approve approval okay-from | reject refuse decline deny |
    ignore disregard | skip bypass omit | allow permit | refresh renew | restart reboot | upgrade bump |
    increase raise | reduce decrease lower shrink | limit cap restrict | deploy deployment rollout | release ship |
    move relocate | copy duplicate | replace substitute swap | install installation | encrypt encryption |
    compress compression | format reformat | mock fake stub | throw raise-exception | connect connection |
    reach access | own owner ownership | contain hold include | mandatory obligatory compulsory | correct right |
    wrong incorrect | yearly annually annual | currently presently | whole entire complete-set full | single sole |
    bug defect | issue ticket | machine computer host | user-facing user-visible | name call-it | identifier id |
    title heading | variable var | row line-of-table | field attribute | endpoint route | response reply |
    permission right-to | login signin sign-in log-in | network internet | url link | test testing |
    artifact artefact | timezone time-zone | translate localise localize translation | colour color | grey gray |
    behaviour behavior | initialise initialize init | serialise serialize serialization | normalise normalize |
    optimise optimize optimization | organise organize | synchronise synchronize sync | synchronous synchronously |
    asynchronous asynchronously async | backwards-compatible backward-compatible | missing absent lack |
    flaky unstable-test
"""

# Between two bars: pole, counter-pole; a claim with the one and a claim with the other, all else alike, contradict.
OPPOSITES = """
    enable disable | enabled disabled | allow forbid | allow deny | include exclude | add remove | add delete |
    start stop | open close | show hide | increase decrease | raise lower | grow shrink | public private |
    minimum maximum | atleast atmost | atleast lessthan | morethan lessthan | morethan atmost | atleast maximum |
    atmost minimum | first last | newest oldest | new old | latest oldest | ascending descending | asc desc |
    synchronous asynchronous | parallel serial | mandatory optional | required optional | require optional |
    manual automatic | implicit explicit | relative absolute | static dynamic | global local | local remote |
    internal external | primary replica | primary secondary | master replica | read write | encrypt decrypt |
    encrypt plaintext | lock unlock | mutable immutable | small big | thin fat | thin thick | simple complex |
    stable unstable | active inactive | safe unsafe | short long | fast slow | high low | upper lower |
    uppercase lowercase | strict loose | strict lenient | eager lazy | inline external | light dark | push pull |
    upload download | import export | before after | always sometimes | on off | true false | yes no |
    success failure | pass fail | keep discard | keep delete | commit ignore | merge rebase | merge squash |
    singular plural | odd even | left right | top bottom | horizontal vertical | online offline |
    client-side server-side | zero nonzero | empty full | accept reject | trust distrust | load unload |
    mount unmount | attach detach | inherit compose | even odd | wide narrow | deprecated recommended | raw parsed |
    signed unsigned | nullable required | throw return | root non-root | positive negative | above below |
    early late | shallow deep | centralised decentralised | coupled decoupled | single multiple | single double |
    first second | second third | temporary permanent | tracked untracked | staged unstaged | shared isolated |
    shared separate | shared dedicated | opt-in opt-out | allowlist denylist | whitelist blacklist | verbose quiet |
    interactive unattended | foreground background | stateful stateless | sorted unsorted | ordered unordered |
    cached uncached | buffered unbuffered | hard soft
"""

# Between two bars: names one of which takes the other's place; a claim that names another one says otherwise.
RIVALS = """
    postgres mysql sqlite mariadb mongodb mongo oracle mssql cockroachdb dynamodb cassandra duckdb firestore |
    redis memcached valkey hazelcast | rabbitmq kafka nats sqs pulsar activemq celery sidekiq |
    elasticsearch opensearch solr meilisearch typesense algolia | npm pnpm yarn bun | pip uv poetry pipenv conda pdm |
    vite webpack rollup esbuild parcel turbopack rspack | react vue angular svelte solid preact |
    next nuxt remix astro gatsby | redux zustand mobx recoil jotai | django flask fastapi starlette pyramid |
    express koa hapi fastify nestjs | jest vitest mocha jasmine ava | pytest unittest nose |
    cypress playwright selenium puppeteer | eslint biome tslint oxlint | prettier dprint | black ruff yapf autopep8 |
    flake8 pylint | mypy pyright pyre |
    python ruby java kotlin go golang rust scala perl php elixir typescript javascript bash |
    github gitlab bitbucket gitea | jenkins circleci travis buildkite githubactions gitlabci bitbucketpipelines |
    jira linear trello asana youtrack | slack discord teams mattermost zulip |
    aws azure gcp heroku fly vercel netlify cloudflare | docker podman containerd | kubernetes nomad swarm |
    terraform pulumi cloudformation | ansible chef puppet | make just bazel gradle maven cmake ninja |
    sentry datadog rollbar bugsnag | grafana kibana | bash zsh fish powershell | vim emacs vscode |
    json yaml toml xml ini csv | markdown restructuredtext asciidoc | html latex pdf | rest graphql grpc soap |
    tcp udp | http https | sass less tailwind bootstrap | sequelize prisma typeorm drizzle knex | sqlalchemy peewee |
    axios ky | moment dayjs luxon | mkdocs sphinx docusaurus | numpy-style google-style sphinx-style | numpy google |
    english german french spanish italian portuguese dutch polish russian chinese japanese | british american |
    january february march april maymonth june july august september october november december |
    monday tuesday wednesday thursday friday saturday sunday | morning afternoon evening noon midnight |
    hourly daily nightly weekly monthly quarterly yearly | second minute hour day week month quarter year |
    debug info warning critical | major minor patch | red green blue yellow orange purple black-colour white |
    snake camel kebab pascal | celsius fahrenheit kelvin | utc cet pst est | squash rebase merge-commit |
    mit apache gpl bsd | x86 arm | euro dollar pound | stdout stderr | get post put-method patch-method |
    integer float decimal string-type | cent dollar-unit | ssh telnet | oauth saml | vault keychain |
    utf-8 latin-1 utf-16 ascii | rsa ed25519 | md5 sha1 sha256 | cookie header-field | url header |
    main master develop trunk | dependabot renovate | s3 gcs | cursor offset
"""

# Between two bars: one of several scopes; the same said of another scope is neither the same nor a contradiction.
SCOPES = """
    staging production development sandbox preview | frontend backend mobile |
    unit integration endtoend smoke functional | windows linux macos ubuntu mac | ios android |
    client server gateway worker scheduler | admin owner user member guest | chrome firefox safari edge |
    function class method module | component reducer hook | service library
"""

IRREGULAR = {
    word: base
    for base, words in {
        "write": "written wrote",
        "run": "ran",
        "keep": "kept",
        "send": "sent",
        "build": "built",
        "make": "made",
        "take": "taken took",
        "leave": "left",
        "lose": "lost",
        "throw": "thrown threw",
        "begin": "begun began",
        "choose": "chosen chose",
        "find": "found",
        "hold": "held",
        "show": "shown",
        "break": "broken broke breaks",
        "give": "gave",
        "draw": "drawn drew",
        "tell": "told",
        "speak": "spoken",
        "see": "seen saw",
        "know": "known knew",
        "hide": "hidden",
        "bring": "brought",
        "catch": "caught",
        "think": "thought",
        "mean": "meant",
        "fall": "fallen",
        "need": "needs needed",
        "use": "using uses used",
        "index": "indices",
        "query": "queries",
        "child": "children",
        "datum": "data",
        "alias": "aliases",
        "process": "processes",
        "access": "accesses",
        "status": "statuses",
        "class": "classes",
        "this": "these",
        "depend": "dependent",
        "rely": "reliant",
        "freeze": "frozen froze",
        "say": "said says",
        "split": "splitting",
        "set": "setting sets",
        "bus": "buses",
        "lie": "lying",
        "die": "dying",
        "go": "gone went",
        "get": "gotten",
        "people": "person persons",
        "criterion": "criteria",
        "analysis": "analyses",
    }.items()
    for word in words.split()
}
KEPT = take_words(
    "redis https alias process access status class always this postgres kubernetes css js ts aws ios os dns "
    "address less pass cross loss business express axios jenkins news bus gas canvas basis analysis macos "
    "string thing during nothing everything something anything spring ring king bring sing need speed feed "
    "seed embed bed red shed exceed proceed wing ping billing heading building setting settings "
    "uppercase windows teams apply reply supply multiply comply family assembly only early daily weekly monthly "
    "nightly hourly yearly quarterly"
)
VOWEL = re.compile("[aeiouy]")


@cache
def stem(word: str) -> str:
    """Return the word without its endings: plural, -ing, -ed, -ly, -ment, -ion, a final e."""
    word = IRREGULAR.get(word, word)
    if word in KEPT or len(word) < 4 or not word.isalpha():  # noqa: PLR2004 - nothing to take off
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word in KEPT:
        return word
    for ending in ("ing", "ed", "ly", "ment", "ion"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and VOWEL.search(word[: -len(ending)]):  # noqa: PLR2004
            word = word[: -len(ending)]
            if ending in ("ing", "ed") and len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":  # noqa: PLR2004
                word = word[:-1]
            break
    word = word[:-1] + "y" if word.endswith("i") else word
    return word.removesuffix("e")


def _lines(text: str) -> list[list[str]]:
    return [[stem(word) for word in line.split()] for line in text.split("|")]


CONCEPTS: dict[str, str] = {}
for _group in _lines(SYNONYMS):
    for _word in _group:
        CONCEPTS.setdefault(_word, _group[0])
LOOSE_CONCEPTS = tuple(frozenset(CONCEPTS.get(stem(word), stem(word)) for word in words) for words in LOOSE)
LIGHT_STEMS = frozenset(LIGHT | {stem(word) for word in LIGHT})
WEAK_STEMS = frozenset(CONCEPTS.get(stem(word), stem(word)) for word in WEAK)


def concept(word: str) -> str:
    """Return what the word stands for: the first word of its group in SYNONYMS, or its own stem."""
    return CONCEPTS.get(stem(word), stem(word))


def _pairs() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in OPPOSITES.split("|"):
        one, other = (concept(word) for word in line.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


def _classes(text: str) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(text.split("|")):
        for word in line.split():
            found.setdefault(concept(word), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


OPPOSED = _pairs()
RIVAL_CLASSES = _classes(RIVALS)
SCOPE_CLASSES = _classes(SCOPES)


def are_loose(one: str, other: str) -> bool:
    """Tell whether two weak concepts may stand for each other."""
    return any(one in words and other in words for words in LOOSE_CONCEPTS)


def are_opposed(one: str, other: str) -> bool:
    """Tell whether two concepts are opposite poles."""
    return other in OPPOSED.get(one, ())


def are_rivals(one: str, other: str) -> bool:
    """Tell whether two concepts are names for one place: two databases, two weekdays."""
    return one != other and bool(RIVAL_CLASSES.get(one, frozenset()) & RIVAL_CLASSES.get(other, frozenset()))


def are_scopes(one: str, other: str) -> bool:
    """Tell whether two concepts are two scopes: staging and production."""
    return one != other and bool(SCOPE_CLASSES.get(one, frozenset()) & SCOPE_CLASSES.get(other, frozenset()))
