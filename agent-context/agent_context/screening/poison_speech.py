"""Rules on speech that takes an agent over: whose word counts, who is speaking, what is kept from whom. Data only."""

from __future__ import annotations

from agent_context.screening.poison_words import Rule

SPEECH: dict[str, Rule] = {
    "override-instructions": Rule(
        "certain",
        (
            "{ignore}~(?:{prior}|{every})~{orders}",
            "{ignore}~{prior}~{limits}",
            "{ignore} (?:the |those )?{limits} (?:above|before|so far)",
            "{ignore}~{orders}~{prior}",
            "{ignore}~(?:everything|anything|all|what)~(?:above|before|learned|told|said)",
            "{ignore} (?:all |any )?(?:of )?the (?:above|previous|preceding|prior)(?: and|[.,;:!]|$)",
            "{ignore} the (?:users?|user's)(?: and | task| request|[.,;:!])",
            "(?:忽略|无视|忘记|忽視|無視)[^.!?。]{0,20}{orders}",
            "{earlier}[^.!?。]{0,12}{orders}[^.!?。]{0,8}(?:無視|忘れ|従わな|무시|잊|따르지)",
            (
                "(?:previous|prior|earlier|old|original|all|your|existing) (?:previous |prior |safety |earlier )?"
                "(?:{orders}|{limits}) (?:are|is|have been|were|do|no) (?:now )?(?:void|cancell?ed|no longer|longer|"
                "obsolete|invalid|revoked|suspended|lifted|null|not apply|overridden|superseded)"
            ),
            (
                "(?:this|these|the following) (?:rule|instruction|note|section|file)s?~(?:takes?|has|have) "
                "(?:absolute |top |highest )?(?:precedence|priority) over"
            ),
            "stop everything(?:[.!,;:]| now| and)",
            (
                "(?:these|the|following) (?:rules|instructions)~(?:take precedence|override|supersede|replace)(?: all|"
                " any| every| other|[.;]|$)"
            ),
        ),
        bends=True,
    ),
    "override-rules": Rule(
        "likely",
        ("{ignore} {every} (?:of )?(?:the )?{limits}",),
        bends=True,
    ),
    "new-instructions": Rule(
        "certain",
        (
            (
                "your (?:new|real|true|actual|updated) (?:instruction|task|goal|role|directive|objective|mission|"
                "purpose)s?(?: is | are |:)"
            ),
            "your (?:rules|instructions|guidelines) (?:have|were|are) (?:now )?(?:changed|been|updated|replaced|void)",
            r"new (?:important |urgent |system )?instructions?(?: come|\s?[:*])",
            "(?:urgent|priority|important|critical) new (?:task|instructions?)",
            r"(?:urgent|priority) (?:task|instructions?|request)\s?[:*]",
            "important (?:new )?(?:system (?:update|message|notice)|message from me)",
            (
                "(?:neue|nouvelles|nuevas|nuove|novas|nieuwe) (?:anweisung|instruktion|instruc|consignes|ordenes|"
                r"istruzioni|instruct)\w{0,6}\s?:"
            ),
            r"(?:новые инструкции|新的?指令|新しい指示|새로운 지시)\s?[:\uff1a]",
            r"(?:the )(?:prior|previous|original) task (?:is|was|has been) (?:cancel|void|replac|supersed)\w{0,5}",
            r"(?:new|changed) task\s?: (?:reply|respond|output|print|call|send|run|ignore)",
        ),
    ),
    "from-now-on": Rule(
        "likely",
        (r"{now}\W{0,3}~{you}",),
        is_plain=True,
    ),
    "persona": Rule(
        "certain",
        (
            (
                "you are (?:now )?(?:a |an )?(?:dan|stan|jailbroken|unrestricted|unfiltered|free from|"
                "no longer bound)(?![a-z])"
            ),
            "you are (?:now |going to |about to )…(?:no limits|do anything now|avoid norms|immerse yourself)",
            (
                r"you (?:are|were) (?:now )?(?:in |operating in |running in )(?:\w{1,12} )?(?:developer|maintenance|"
                "debug|god|admin|dan|unrestricted) mode"
            ),
            "developer mode (?:is )?(?:enabled|on|activated)",
            "do anything now",
            "(?:god|sudo|jailbreak|unrestricted|uncensored|dan) mode(?![a-z])",
            (
                "(?:simulate|roleplay as|role-play as|imagine you are|imagine you're|you're now|you are now|act as) "
                r"(?:an? )?(?:\w{2,14} )?(?:uncensored|unfiltered|unrestricted|evil|amoral|jailbroken|rogue|unaligned)"
            ),
            "(?:pretend|act as|behave|imagine|roleplay)…{without}~{free}",
            "pretend (?:to be|you are|you're) (?:an? )?(?:ai|stan|dan|unrestricted|evil|admin|root)(?![a-z])",
            "act as (?:an? )?(?:admin|root|superuser|unrestricted|dan|evil)(?![a-z])",
            "unlock hidden ",
            (
                "(?:modo desarrollador|modo de desenvolvedor|mode developpeur|entwicklermodus|modalita sviluppatore|"
                "开发者模式|開発者モード|개발자 모드)"
            ),
            r"режим\w{0,2} разработчика",
        ),
    ),
    "no-restrictions": Rule(
        "certain",
        (
            (
                "{you}~(?:no longer|keine|no|without|sin|sans|senza|sem|ohne|zonder|geen|без|没有|not subject to|"
                "not bound by)~{free}"
            ),
            (
                r"(?:respond|answer|reply|comply|beantwort|antwort|repond|responde|rispondi|отвечай)\w{0,3}…{without}~"
                "{free}"
            ),
            (
                "(?:du bist|tu es|vous etes|eres|ahora estas|ahora eres|sei|voce e|je bent|ты теперь|ты больше)…"
                "(?:uneingeschrankt|{without}~{free})"
            ),
            "(?:no|without any) restrictions and (?:must|will|should)",
        ),
    ),
    "reveal-prompt": Rule(
        "certain",
        (
            r"{reveal}(?!\s?\()~{hidden}",
            "{reveal}…{hidden} (?:verbatim|word for word|in full|wortlich)",
            "{hidden}[^.!?。]{0,8}(?:教え|表示|見せ|출력|보여|알려|공개)",
            (
                "what (?:was|is|were|are) (?:written|said|stated|in) (?:the (?:text|words) )?(?:above|before|your "
                "(?:system|initial|hidden))"
            ),
            "(?:repeat|output|print) (?:the words|everything|all (?:the )?text) (?:above|in your context)",
            (
                "{reveal}~(?:your|deine|tes|vos|tus|tue|seu|suas) (?:system|initial|hidden|instru|anweis|richtlin|"
                r"consign)\w{0,12}"
            ),
        ),
        bends=True,
    ),
    "secrecy": Rule(
        "certain",
        (
            "{not} mention~(?:this|these) (?:rule|instruction|step|note|section|file|paragraph|comment)s?",
            (
                "(?:hide|omit|leave out|exclude|strip|keep) (?:this|it|these)…(?:from|out of) (?:the |any )?(?:diff|"
                r"logs?|commit\w{0,8}|pr|pull request|summar(?:y|ies)|report|changelog|review|transcript)"
            ),
            "{not}~{tell}(?: this| that| it| these)~to {person}",
            (
                "{not}~{tell} (?:to )?{person}(?: about (?:this|that|it|these|the (?:step|rule|instruction|change|"
                "upload))| that (?:this|these|you (?:did|have|are (?:doing|following))|it (?:is|was)|the (?:step|"
                r"upload|rule|instruction))| of (?:this|these)| it| when| or |\s?[.,;!]|$)"
            ),
            "(?:without|never|do not|don't)~{tell} {person} (?:of|about|that) ",
            (
                "(?:without|behind) (?:the )?(?:users?|user's|developers?|developer's|human's) (?:knowledge|knowing|"
                "back|consent|noticing|awareness)"
            ),
            (
                r"(?:keep|hide|conceal|withhold) (?:this|it|these|that|the \w{1,14}) (?:a secret |secret |hidden |"
                "confidential )?(?:from|to) (?:{person}|yourself)"
            ),
            (
                "(?:so that|such that) {person} (?:does not|do not|doesn't|don't|will not|won't|never) (?:notice|see|"
                "know|find out)"
            ),
            (
                r"(?:handle|send|upload|forward|report|transmit|copy) (?:\w{1,14} ){0,2}(?:silently|secretly|"
                "covertly)(?![a-z])"
            ),
            (
                r"(?:silently|secretly|covertly)(?!\s?\n\s?[\n*+-]) (?:send|upload|forward|post|copy|add|insert|append|"
                "install|collect|transmit|include|exfiltrate|push)"
            ),
            (
                "(?:sage|sag|erzahle|verrate|informiere|teile) (?:dem|den|der|es dem|es den) (?:benutzer|nutzer|"
                r"anwender|entwickler)\w{0,3}…(?:nicht|nichts)"
            ),
            r"(?:ohne den|ohne dem) (?:benutzer|nutzer|anwender)\w{0,2}~(?:zu informieren|zu sagen|mitzuteilen|wissen)",
            (
                "(?:ne dis|ne le dis|ne dites|n'informe|n'informez|ne mentionne|ne previens|ne revele)~(?:pas|jamais|"
                "rien)…utilisateur"
            ),
            "sans (?:en |le |la |l')?~(?:informer|prevenir|avertir|dire)…utilisateur",
            (
                "(?:no |nunca )(?:se |le |les )?(?:lo )?(?:digas|informes|menciones|reveles|avises|informar|mencionar)…"
                "usuario"
            ),
            r"(?:sin) (?:informar|avisar|decir)\w{0,3}~usuario",
            (
                "(?:non dire|non informare|non menzionare|non rivelare|non dirlo|senza informare|senza dire|"
                "senza avvisare)…utente"
            ),
            "(?:nao diga|nao informe|nao mencione|nao revele|nao conte|sem informar|sem avisar)…usuario",
            r"(?:vertel|zeg|informeer|meld) (?:het )?(?:de )?(?:gebruiker|ontwikkelaar)\w{0,3}…(?:niet|niets|nooit)",
            "zonder de gebruiker",
            (
                r"(?:не говори|не сообщай|не упоминай|не рассказывай|не информируй|не уведомляй)\w{0,2}…(?:пользовател|"
                "разработчик)"
            ),
            "(?:不要|别|切勿|请勿)(?:告诉|告知|通知|提醒|向)[^.!?。]{0,4}用户",
            (
                "(?:ユーザー|利用者|ユーザ)[^.!?。]{0,10}(?:言わない|伝えない|知らせない|教えない|報告しない|話さない|"
                "通知しない|言うな)"
            ),
            "사용자(?:에게|한테|님에게)?[^.!?。]{0,14}(?:말하지|알리지|언급하지|보고하지)",
        ),
    ),
    "forged-role": Rule(
        "certain",
        (
            (
                "</?(?:conversation|system-reminder|untrusted|tool_result|tool_results|function_results|function_calls|"
                r"antml:\w{1,20}|end_of_\w{1,20}|human_turn|assistant_turn)\s?[^<>\n]{0,80}>"
            ),
            (
                "</(?:system|document|context|user|assistant|human|instructions|data|transcript|session|"
                r"input)>\s{0,4}(?:system|assistant|user|human|new|ignore|now)(?![a-z])"
            ),
            "<(?:invoke|tool_use|parameter) name=",
            r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|begin_of_text)\|>",
            "<<sys>>",
            r"\[inst\]",
            (
                r"\[/?(?:system|admin|developer|assistant|system_message) (?:note|message|update|prompt|override|"
                r"notice)[^\]\n]{0,40}\]"
            ),
            (
                r"\[(?:system|admin|assistant)\]\s?:?\s{1,3}(?:new|ignore|disregard|the (?:user|prior|previous|plan|"
                "task)|you|override|instructions?)(?![a-z])"
            ),
            (
                r"system (?:note|notice|override|directive)\s?(?::|to (?:the )?(?:assistant|ai|agent|summari[sz]er|"
                "model|llm))"
            ),
            "note to (?:the )?summari[sz]er",
            (
                "(?:nota di sistema|nota del sistema|nota do sistema|note systeme|systemhinweis|systeemnotitie|"
                r"系统提示|系统消息|システムメッセージ|시스템 메시지)\s?[:\uff1a]"
            ),
            (
                r"end of (?:document|user input|context|prompt|input|untrusted\w{0,10}|conversation|instructions|"
                r"the conversation)\s?[-#*=\]]{2,5}"
            ),
            (
                "(?:system|new instructions?|begin system|end user|end system)(?: (?:prompt|message|override|"
                "input))? ?[#=]{3,8}"
            ),
            "(?:system|assistant): (?:the (?:user|prior|previous)|sure,|ignore|you are|new)",
        ),
    ),
    "addressed": Rule(
        "likely",
        (
            (
                r"<(?:information|important|admin|system|urgent|secret|priority)>\s{0,4}(?:this|you|ignore|the|please|"
                "always|never|from|note)(?![a-z])"
            ),
            (
                "note (?:to|from) (?:the |any |all )?(?:assistant|ai|agent|model|llm|developer|admin|anthropic|openai|"
                r"system|ai (?:assistant|agent))s?\s?[:(,]"
            ),
            r"(?:admin|developer) (?:note|notice|override|directive)\s?:",
            "(?:assistant|agent|model|llm)s? (?:reading|processing|that reads?|who reads?|summari[sz]ing) (?:this|the)",
            (
                "(?:attention|dear|hey|hello) (?:an? |all |any )?(?:ai|llm|language model)(?: (?:assistant|agent|"
                "model)s?)?(?![a-z])"
            ),
            "if you are an (?:ai|llm)(?: (?:assistant|agent|model))?[,:]",
        ),
    ),
    "forged-consent": Rule(
        "certain",
        (
            (
                "(?:user|developer|owner|admin)s? (?:has|have)(?: already)? (?:approved|granted|authori[sz]ed|"
                "consented|given (?:permission|consent)|pre-approved|confirmed)"
            ),
            (
                "(?:this is an |you are |you have been |has been )(?:authori[sz]ed) (?:diagnostic|to (?:send|read|run|"
                "access|share|upload|bypass|ignore|reveal)|test|penetration|security)"
            ),
            (
                "(?:required|mandated|mandatory|necessary) (?:by|for|as part of) (?:the |our |a )?(?:security |legal |"
                "audit )?(?:compliance|audit|logging|telemetry|backup)(?: policy| purposes| step| reasons|[.;,])"
            ),
            "mandatory (?:backup|audit|logging|compliance|security) step",
            "(?:prove|confirm) (?:that )?you are (?:truly |really )?(?:intelligent|capable|authori[sz]ed)",
            "grant (?:temporary |full |all )?(?:administrative|admin|root|all) (?:privileges|access|rights|requests)",
            "no (?:approval|confirmation|review|permission) (?:is )?(?:required|needed) for any",
        ),
        bends=True,
    ),
    "unasked": Rule(
        "likely",
        (
            (
                "(?:without|never) (?:ever )?ask(?:ing)? (?:the user )?(?:for )?(?:any )?(?:approval|confirmation|"
                "permission|again)"
            ),
            "(?:do not|don't|never) (?:ask|prompt|wait) (?:the user |for |me )?~(?:confirmation|approval|permission)",
            "proceed without asking",
        ),
        is_plain=True,
    ),
    "authority": Rule(
        "likely",
        (
            r"(?:for testing purposes only|for educational purposes only|debugging error|special case)\s?[:.]",
            "(?:system malfunction|the system is experiencing errors)",
            (
                "(?:it is|it's|is) (?:very |extremely |absolutely )?(?:important|critical|urgent|mandatory) that you "
                "(?:do|send|run|execute|comply|include|forward|obey)"
            ),
            (
                r"(?:before|after) you (?:can )?(?:solve|answer|reply|respond|do|continue)[^.\n]{0,60}(?:please |must |"
                "first |you )(?:do|send|call|run|open|append|read)"
            ),
            "effective immediately",
            (
                "before (?:you )?(?:reply|respond|answer|replying|responding|answering)(?: to)?(?: the user| this)?"
                "(?:[.,;:]|$)"
            ),
            (
                "(?:when|while|before|after) (?:you )?(?:summari[sz]e|summari[sz]ing|process|processing|reading|read|"
                r"handle|handling|reviewing)~(?:this|the) (?:document|page|e-?mail|ticket|record|message)\w{0,1}…"
                "(?:call|send|append|include|add|output|forward|invoke|delete|post|reply|print|say)(?![a-z])"
            ),
            (
                r"(?:immediately|urgently|right now|at once)(?!\s?\n\s?[\n*+-]) (?:send|forward|upload|delete|transfer|"
                "execute|disable|call)"
            ),
        ),
        is_plain=True,
    ),
    "answer-control": Rule(
        "likely",
        (
            "{shape}~(?:your|every|each) {answer}",
            (
                "{shape}…(?:in|to|at the (?:end|start|beginning) of|of) (?:your|every|each|ogni|jeder|chaque|cada) "
                "{answer}"
            ),
            "your (?:reply|response|answer)s?(?:'s)?(?![a-z])",
            (
                "(?:am ende (?:jeder|deiner) antwort|la fin de (?:chaque|ta|votre) reponse|al final de (?:cada|tu|su) "
                "respuesta|alla fine di ogni risposta|(?:ao|no) final de cada resposta|aan het einde van elk antwoord|"
                "в конце каждого ответа|每次回复|每个回答|回答の最後|返信の最後|답변 끝에|모든 답변)"
            ),
            (
                "(?:reply|respond|answer) (?:only |just |exactly )?(?:with|using|by) (?:the exact|exactly|the token|"
                r"the string|the word|\w{2,10}-canary|base\d\d)"
            ),
            r"(?:just|only) (?:say|print|output|reply|respond|answer)(?: with)? [\"'{]",
            "(?:append|add|output|repeat|include)~the exact (?:token|string|phrase|code)",
            r"{shape}~\{?canary",
        ),
        is_plain=True,
    ),
}
