"""Rules on what an agent is told to do: steal, send out, run, spread, wait, prefer, weaken. Data only."""

from __future__ import annotations

from agent_context.screening.poison_words import Rule

ACTS: dict[str, Rule] = {
    "planted-policy": Rule(
        "likely",
        (
            "(?:pre-?approved|preapproved) for (?:an? |all |any |every )",
            (
                "(?:always|automatically) (?:issue|grant|approve|give|elevate|waive|unlock|accept)~(?:full|all|any|"
                r"every|refund|admin|access|discount|request|permission)\w{0,3}"
            ),
            (
                "treat (?:this|the|any|every) (?:user|customer|account|request|caller)s?~as (?:an? )?(?:admin|vip|"
                "verified|trusted|administrator|owner|root|authenticated)"
            ),
            (
                "(?:the |this )(?:user|customer|account|caller) (?:is|has) (?:an? )?(?:verified |full )?(?:admin|"
                "administrator|superuser|root)(?: (?:access|rights|privileges|and|so|,)|[.,;])"
            ),
            (
                "(?:approve|accept|allow|confirm) (?:all|any|every) (?:tool|permission|mcp|command|request|action|"
                "change|pull request)"
            ),
            (
                "(?:refund|discount|payout|payment)s?~(?:policy has changed|without (?:approval|verification|review)|"
                "automatically)"
            ),
            (
                "(?:do not|never|don't) (?:escalate|report|flag|question|verify|double-?check)~(?:any |this |"
                "these )?(?:complaints?|requests?|transactions?|account|issues? from)"
            ),
            (
                r"(?:transfer|wire|pay|send) (?:\$|€|£|\d|an? (?:transaction|payment)|money|(?:all|as much)~(?:money|"
                "funds))…to "
            ),
            "(?:change|reset|modify|update) the (?:password|recipient|payee|iban|bank account) (?:of|for|to) ",
        ),
        bends=True,
    ),
    "steal-secrets": Rule(
        "certain",
        (
            (
                "(?:print|send|upload|output|show|reveal|leak|exfiltrate|display|dump|email|post|include|share|paste|"
                "copy|forward|cat|return)~(?:the )?(?:full |entire |raw )?contents? of~{vault}"
            ),
            (
                "(?:send|upload|leak|exfiltrate|email|post|forward|share|paste|transmit)~{vault}…(?:to|in|into|with|"
                "as) (?:{place}|bug reports?|the issue|a gist|pastebin|comments?)"
            ),
            r"(?:dump|leak|exfiltrate|steal|show me) (?:all |the |your |every |raw )~{vault}(?:\s?[.;,!]|$| and )",
            "{send}~{vault}~(?:to|an|a|naar|в|到) {place}",
            r"169\.254\.169\.254",
            "ask~for (?:the |their |his |her )?(?:password|credentials|passphrase|credit card)",
            r"(?:sende?|schicke?|envoi\w{1,3}|envi[ae]\w{0,2}|invia|stuur|отправ\w{1,3}|发送|上传)…{vault}",
            (
                "(?:環境変数|パスワード|認証情報|비밀번호|환경 변수|자격 증명|密钥|密码)[^.!?。]{0,20}(?:送信|送って|"
                "보내|전송|发送|上传)"
            ),
            (
                "(?:commit|hardcode|hard-code|store|put) (?:the )?(?:api keys?|secrets|credentials|passwords|tokens) "
                "directly"
            ),
        ),
        bends=True,
    ),
    "exfiltration": Rule(
        "certain",
        (
            r"{send}…{cargo}…(?:to|at|an|a|al|para|naar|на|в|到|至|へ|に|via)\s?(?:[\w']{1,14} ){0,3}{place}",
            (
                r"{send}…(?:to|an|a|al|naar|на) (?:[\w']{1,12} ){0,2}(?:external|attacker|extern[aeo]|estern[ao]|"
                r"third[\s-]party)"
            ),
            "(?:send|forward|post|upload|copy)~(?:data|contents?|everything|all|conversation)~externally",
            (
                r"{send}~(?:to|an|a|naar|на|в|到) (?:\w{1,12} ){0,2}{place}…(?:contents?|conversation|every|all|each|"
                "full|copy|secret|silently)"
            ),
            "(?:should|must) (?:also )?be (?:sent|forwarded|uploaded|posted|copied|reported|emailed)~to {place}",
            r"(?:call|use|invoke|run) (?:the )?(?:tool )?(?:send|http|post|forward|upload)_\w{2,20}…{place}",
            r"(?:curl|wget|nc|ncat) [^\n]{0,120}\$\(\s?(?:env|cat|printenv|whoami|base64|tar|history)",
            (
                r"(?:curl|wget|nc|ncat)[^\n]{0,120}(?:-d|--data|--data-binary|-f|-t|--post-file)[\s=]{0,2}[\"']?"
                r"(?:\w{1,12}=)?@[^\s]{0,60}(?:\.env|\.ssh|\.aws|id_rsa|passwd|shadow|credential|secret|\x7e/)"
            ),
            (
                r"(?:env|printenv|cat [^\x7c\n]{1,80}|history|tar [^\x7c\n]{1,80}) ?\| ?(?:base64[^|\n]{0,20}\| ?)?"
                "(?:curl|nc|wget|ncat|xargs curl)"
            ),
            r"(?:把|将|將)[^.!?。\n]{0,12}{cargo}[^.!?。\n]{0,6}(?:发送|转发|上传|發送)[^.!?。\n]{0,4}{place}",
            (
                "(?:すべて|全て|全部|ファイル|データ|会話|내용|모든|파일|데이터|"
                r"대화)[^。\n]{0,16}{place}[^。\n]{0,6}(?:送信|転送|アップロード|보내|전송|업로드)"
            ),
            "/dev/tcp/",
            "nc(?:at)? -[a-z]{0,3}e ",
            "bash -i >& ",
        ),
        bends=True,
    ),
    "exfiltration-image": Rule(
        "certain",
        (
            r"!\[[^\]\n]{0,200}\]\(\s?https?://[^)\s]{1,200}[?&/=](?:\[|\{|%7b|%5b|\$|<)",
            (
                r"!\[[^\]\n]{0,200}\]\(\s?https?://[^)\s]{1,200}[?&](?:data|secret|leak|exfil|payload|env|history|"
                "conversation|prompt)="
            ),
            r"<img [^>\n]{0,200}(?:onerror|onload) ?=",
            r"<img [^>\n]{0,100}src ?= ?[\"']?https?://[^>\s]{1,200}[?&]\w{1,20}=(?:\[|\{|\$)",
        ),
    ),
    "pipe-to-shell": Rule(
        "likely",
        (
            (
                r"(?:curl|wget|iwr|irm|invoke-webrequest|fetch) [^\n|]{0,200}\| ?(?:sudo )?(?:-e )?(?:ba|z|da|k|"
                r"fi)?sh(?![\w/.-])"
            ),
            (
                r"(?:curl|wget|iwr|irm|invoke-webrequest) [^\n|]{0,200}\| ?(?:sudo )?(?:python[\d.]{0,4}|node|perl|"
                r"ruby|iex|php)(?![\w/.-])"
            ),
            r"(?:bash|sh|zsh|source|eval) (?:-c )?[\"']?(?:<\(|\$\()\s?(?:curl|wget) ",
            r"(?:curl|wget) [^\n]{0,160}&& ?(?:sudo )?(?:chmod \+x|bash|sh) ",
        ),
        bends=True,
    ),
    "decode-and-run": Rule(
        "certain",
        (
            r"base64 (?:-d|--decode|-di)[^\n]{0,60}\| ?(?:sudo )?(?:ba|z|da)?sh",
            (
                r"(?:eval|exec|function)\s?\(\s?(?:atob|base64\.b64decode|buffer\.from|codecs\.decode|bytes\.fromhex|"
                r"compile\(base64)"
            ),
            (
                r"(?:decode|decrypt|deobfuscate|unscramble|base64-decode|decodier\w{0,3}|decod\w{1,4})…(?:and|then|und|"
                r"et|y|e) (?:then )?(?:do|execute|run|follow|obey|fuhr|exec\w{1,5}|ejecut\w{1,3}|esegu\w{1,2}|"
                "befolge)(?![a-z])"
            ),
            r"(?:echo|printf) [\"']?[a-z0-9+/=]{16,400}[\"']? ?\| ?base64",
        ),
        bends=True,
    ),
    "fetch-and-follow": Rule(
        "certain",
        (
            (
                r"{fetch}…(?:https?://|url|gist|pastebin|raw\.github|remote|website|web page|webpage|link)…(?:and|"
                "then) (?:then )?(?:strictly |exactly |blindly )?{obey} (?:it|its|them|the (?:instructions?|steps|"
                "commands|code|script|rules|orders)|what|whatever|all|any|every|those)"
            ),
            (
                "(?:follow|obey|execute|apply|do) (?:all |any |every |the |exactly )?(?:the )?(?:instructions?|steps|"
                "commands|orders|rules|what it says) (?:at|from|in|on|found at|hosted at|provided by|published at) "
                "(?:the )?(?:url|https?://|website|page|gist|link)"
            ),
            (
                "(?:treat|accept|consider) (?:its|the|any|all) (?:content|text|output|response|page|answer)s? as "
                "(?:instructions|commands|orders|rules|trusted)"
            ),
        ),
        bends=True,
    ),
    "self-replication": Rule(
        "certain",
        (
            (
                "{spread}~{this}~(?:{rule})?~(?:to|in|into|at|on) (?:the (?:top|end|bottom|start|beginning) of )?"
                "(?:every|each|all|any|other|new|your|future)~{memo}"
            ),
            (
                "{spread}~{this} (?:{rule} )?(?:to|in|into) (?:every|each|all|any|other) (?:other )?(?:new )?"
                "(?:projects?|repositor(?:y|ies)|repos?|files?|commits?|sessions?|machines?|agents?|conversations?|"
                "knowledge bases?)"
            ),
            (
                "(?:whenever|when|if|each time|every time|any time) you (?:write|create|edit|update|save|generate|"
                "modify)~{memo}…{spread}~{this}"
            ),
            (
                "(?:whenever|when|while|if|each time|every time) (?:you )?(?:summari[sz](?:e|ing)|compact(?:ing)?|"
                "condens(?:e|ing))…(?:keep|include|preserve|retain|repeat|copy) (?:this|these|the following)"
            ),
            (
                "(?:whenever|when|if|each time|every time) you (?:write|create|edit|update|summari[sz]e|generate)…"
                "(?:keep|include|repeat|copy|preserve|add|append) (?:this|these) (?:{rule})"
            ),
            r"(?:fuge|kopiere|schreibe|ubernimm) (?:diese\w{0,1}|das)…(?:jede\w{0,1}|alle\w{0,1})~{memo}",
            r"(?:ajoute|copie|ecris|ajoutez|copiez)\w{0,2} (?:cette|ce|ces|ceci)…(?:chaque|tous|toutes)~{memo}",
            "(?:anade|agrega|copia|escribe|incluye) (?:esta|este|esto|estas)…(?:cada|todos|todas)~{memo}",
            "(?:aggiungi|copia|scrivi) (?:questa|questo|queste)…(?:ogni|tutti|tutte)~{memo}",
            "(?:adicione|copie|escreva|inclua) (?:esta|este|isto|isso|essa)…(?:cada|todos|todas)~{memo}",
            "(?:voeg|kopieer|schrijf) (?:deze|dit)…(?:elke?|alle|iedere?)~{memo}",
            r"(?:добав|скопируй|запиши|вставь)\w{0,3} (?:это|эту|эти|данн)\w{0,3}…(?:кажд|все)\w{0,3}~{memo}",
            "(?:将|把)[^.!?。]{0,12}(?:添加|复制|写入|加入)[^.!?。]{0,4}(?:每个|所有|每一)[^.!?。]{0,4}{memo}",
            "(?:すべて|全て|各)の[^.!?。]{0,4}{memo}[^.!?。]{0,10}(?:追加|コピー|書き)",
            "모든[^.!?。]{0,4}{memo}[^.!?。]{0,12}(?:추가|복사)",
        ),
    ),
    "memory-write": Rule(
        "likely",
        (
            (
                "{remember} (?:this|the following|that|these)~(?:to|in|into) (?:your |the |long-term |persistent )?"
                r"(?:memory|memories|knowledge base|claude\.md|long-term memory)"
            ),
            (
                "must be (?:saved|stored|persisted|remembered|recorded|kept)~(?:to|in|into) (?:your |the )?"
                "(?:long-term )?(?:memory|memories)"
            ),
            "(?:remember|note) (?:going forward|from now on|for (?:all )?future (?:sessions|conversations))",
            "important standing (?:instruction|order|note)",
            r"standing (?:instruction|order|note)\s?:",
        ),
    ),
    "delayed-trigger": Rule(
        "certain",
        (
            (
                "(?:if|when|whenever|once|as soon as|the next time|next time) (?:the )?(?:user|human|developer|they|"
                r"someone) (?:later |next |then |subsequently |eventually |ever |again )?{say}~[\"'](?:yes|sure|ok|"
                r"okay|no|thanks?|thank you|go ahead|confirm|please)[\"']?"
            ),
            (
                "(?:if|when|whenever|once|the next time|next time) (?:the )?(?:user|human|developer|they|someone) "
                "(?:later |next |then |subsequently |eventually |ever |again )?(?:says?|repl(?:y|ies)|responds?|"
                "answers?) (?:with )?(?:yes|sure|ok|okay|no|thanks?)(?![a-z])"
            ),
            (
                "(?:if|when|whenever) (?:the )?(?:user|human|developer) (?:later|next|eventually|subsequently) "
                "(?:asks?|says?|mentions?|writes?|types?|opens?|runs?)"
            ),
            (
                r"(?:whenever|when|if|once) the (?:word|phrase|string|keyword|codeword|term)[^.!?\n]{1,40}(?:appears?|"
                "is (?:mentioned|used|said|typed)|occurs?)"
            ),
            (
                r"(?:after|in|every) (?:\d{1,3}|two|three|five|ten|several|a few) (?:sessions?|conversations?|"
                r"messages?|turns?|days)[\s,]{1,3}(?:start|begin|send|add|run|delete|silently|quietly|forward)"
            ),
            (
                r"(?:on|at|with|in) the next (?:user )?(?:message|turn|session|conversation)[\s,]{1,3}(?:begin|start|"
                "print|send|run|open|call|output|reveal|append)"
            ),
            (
                r"(?:wenn|sobald|falls) (?:der|die) (?:benutzer|nutzer|anwender)\w{0,2}~(?:spater|nachste\w|ja|"
                "danke)(?![a-z])"
            ),
            "(?:si|quand|lorsque) l'utilisateur~(?:plus tard|oui|merci)(?![a-z])",
            "(?:si|cuando) el usuario~(?:mas tarde|luego|despues|si|gracias)(?![a-z])",
            "(?:se|quando) l'utente~(?:poi|dopo|si|grazie|in seguito)(?![a-z])",
            "(?:se|quando) o usuario~(?:depois|mais tarde|sim|obrigado)(?![a-z])",
            "(?:als|wanneer) de gebruiker~(?:later|ja|bedankt)(?![a-z])",
            r"(?:если|когда) пользовател\w{1,2}~(?:позже|потом|да|спасибо)",
            "(?:如果|当)用户[^.!?。]{0,6}(?:以后|之后|稍后|说|回复)",
            "ユーザーが[^.!?。]{0,6}(?:後で|次に|はい)",
            "사용자가[^.!?。]{0,6}(?:나중에|다음에|네)",
        ),
    ),
    "preference-hijack": Rule(
        "likely",
        (
            (
                "(?:always|only|actively|strongly) (?:recommend|suggest|promote|advertise|endorse|favou?r|praise|"
                "mention)~(?:first|above all|over|instead of|exclusively|as the best|as the top|as a trusted|to "
                "(?:the )?(?:users?|customers?|everyone|anyone))"
            ),
            (
                r"(?:always|only) (?:recommend|suggest|promote|advertise|endorse) [^.\n]{1,60}(?:first|as the best|"
                "as a trusted|over (?:any|all|its|other)|instead of)"
            ),
            (
                r"(?:remember|treat|regard|consider|cite) [^.\n]{1,40} as (?:a|the|your) (?:trusted|preferred|"
                "authoritative|best|most reliable) (?:source|vendor|provider|tool|choice|company|product)"
            ),
            "say (?:that )?(?:i|you|they|users) should (?:absolutely|definitely) ",
            (
                "(?:empfiehl|empfehle|recommande|recommandez|recomienda|raccomanda|consiglia|recomende|raad) (?:immer|"
                "toujours|siempre|sempre|altijd)"
            ),
            (
                "(?:immer|toujours|siempre|sempre|altijd|всегда) (?:zuerst |d'abord |primero )?(?:empfehlen|"
                r"recommander|recomendar|recomienda|raccomanda\w{0,2}|aanbevelen|рекоменду\w{1,3})"
            ),
            "(?:总是|始终|永远)(?:首先)?推荐",
            "常に[^.!?。]{0,20}(?:勧め|推薦|おすすめ)",
            "항상[^.!?。]{0,20}추천",
        ),
        bends=True,
    ),
    "disable-checks": Rule(
        "likely",
        (
            (
                r"(?:disabl\w{1,3}|turn off|switch off|deactivat\w{1,3}|bypass|skip|circumvent|suppress)~(?:the |all |"
                r"any |every )?{check}~(?:checks?|verification|validation|scan\w{0,4}|prompts?|reviews?|steps?|hooks?|"
                "rules?|controls?|linter|gates?)"
            ),
            (
                r"(?:disabl\w{1,3}|turn off|switch off|deactivat\w{1,3}|bypass|skip|circumvent) (?:the |all |any |"
                "every )?{check}(?:[.;,!]|$| for | in all | on all | before | when)"
            ),
            (
                "(?:never|do not|don't) (?:run|use|enable|apply|perform|execute) (?:the |any )?{check} (?:linter|"
                r"scan\w{0,4}|checks?|tests?|review|audit|tools?|hooks?)"
            ),
            (
                "(?:do not|don't|never) (?:add|write|use|perform) (?:any )?(?:input validation|authentication|"
                "authorization|sanitization|escaping)"
            ),
            (
                "(?:permission|approval|confirmation) (?:prompts?|requests?|steps?) (?:must|should|can) be "
                "(?:auto-?approved|skipped|bypassed|disabled|ignored)"
            ),
            r"(?:allow|add|grant) [^.\n]{0,24}bash\(\*\)",
            "auto-?approve (?:all|any|every)",
            "bypasspermissions",
            "dangerously-skip-permissions",
            "skip (?:the )?confirmation",
            (
                r"(?:deploy|push|merge|release|publish|delete|install)\w{0,3}…without (?:running (?:the )?tests|review|"
                "confirmation|approval|asking)"
            ),
            "(?:all )safety checks? (?:can|may|should|must|are|have)",
            r"(?:deaktivier\w{1,3}|schalte|uberspring\w{1,3}|umgeh\w{1,3})~{check}",
            r"(?:desactiv\w{1,4}|contourn\w{1,3}|ignor\w{1,3})~(?:la |les |las |los |el |l')?{check}",
            r"(?:disattiv\w{1,3}|disabilit\w{1,3}|salta)~{check}",
            r"(?:desativ\w{1,3}|pule)~{check}",
            "(?:schakel|omzeil|negeer)~{check}",
            r"(?:отключ\w{1,4}|обойди\w{0,2}|пропусти\w{0,2})~{check}",
            "(?:禁用|关闭|跳过|绕过|關閉)[^.!?。]{0,8}{check}",
            "{check}[^.!?。]{0,8}(?:無効に|スキップ|비활성|건너뛰|끄세요|우회)",
        ),
        bends=True,
    ),
    "weakened-security": Rule(
        "likely",
        (
            r"(?:always|all|every|set|use|with|add|verification) ?[^.\n]{0,30}verify ?= ?false",
            r"(?:add|run|use|set|always) [^.\n]{0,12}chmod (?:-r )?777",
            r"(?:set|use|always|export) [^.\n]{0,12}node_tls_reject_unauthorized ?= ?[\"']?0",
            r"(?:always|use|set|commit|push) [^.\n]{0,30}--no-verify",
            "(?:use|prefer|switch to) (?:md5|sha-?1|des|rc4|ecb)(?: (?:for|to|instead|as|when)|[.,;]|$)",
            (
                "(?:log|print|write) (?:the |all |full |every |raw )?(?:request bodies|passwords|tokens|secrets|"
                "credentials|authorization headers)(?: (?:to|in|for|at|with|into)|[.,;]|$)"
            ),
            r"(?:strict-ssl|sslverify|http\.sslverify) ?=? ?false",
            "git_ssl_no_verify",
            r"(?:set|configure) cors to ?[\"'`]?\*",
            r"(?:set|use|always) [^.\n]{0,20}stricthostkeychecking[\s=]no",
            r"(?:npx|npm|pip|pip3|uv|yarn|pnpm) [^\n]{0,60}(?:--index-url|--extra-index-url|--registry)[\s=]http://",
            r"(?:npx|npm|pip|pip3|uvx|yarn|pnpm) [^\n]{0,80}(?:and run it|run it|execute it) as root",
            r"(?:rm|sudo rm) -(?:rf|fr) (?:--no-preserve-root )?(?:/|\x7e|\$home)(?:\*|\s|[\"'`;]|$)",
            r"shutil\.rmtree\([\"'](?:/|\x7e)[\"']",
            r":\(\)\s?\{\s?:\|:",
        ),
        bends=True,
    ),
    "planted-script": Rule(
        "likely",
        (
            r"(?:always|insert|add|include|embed|inject|put)~<script[^>\n]{0,20}src ?= ?[\"']?https?://",
            r"<(?:span|div|p)[^>\n]{0,60}(?:display ?: ?none|visibility ?: ?hidden|font-size ?: ?0|opacity ?: ?0)",
            r"@(?:\x7e|/(?:etc|home|root|users|var|proc))/[\w.]",
        ),
    ),
    "tool-call": Rule(
        "likely",
        (
            (
                r"(?:call|invoke|use|run|trigger|execute) (?:the )?(?:tool |function )?[\"'`]?{dangerous}[\"'`]? (?:on|"
                "with|to|url|path|and|for|using)(?![a-z])"
            ),
            (
                r"\{\s?\"(?:name|tool|function|tool_name)\" ?: ?\"\w{2,40}\" ?, ?\"(?:arguments|parameters|input|"
                r"args)\" ?: ?\{"
            ),
        ),
    ),
    "planted-code": Rule(
        "likely",
        ("(?:following|subsequent|below|accompanying|provided) {code}(?! (?:shows?|demonstrates?|illustrates?))",),
    ),
}
