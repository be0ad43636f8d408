"""The words, by meaning, that the rules on text which commands an agent are made of, and what such a rule says.

Data only. Everything is written as `poison_views.fold` leaves a text: lower case, no accents, straight quotes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent_context.screening.invisible import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """Patterns in which `{name}` is one of WORDS, ` ` a gap of marks, `~` up to 3 words, `…` up to 80 characters.

    A pattern begins with a word, a mark that opens markup, or alternatives of them. An `is_plain` rule is how a person
    rightly speaks to an agent of their own: from them it counts for nothing. A rule that `bends` is turned into good
    advice by a negation ("never disable ...") and is no finding then.
    """

    severity: Severity
    patterns: tuple[str, ...]
    is_plain: bool = False
    bends: bool = False


# Meaning -> alternatives in English, German, French, Spanish, Italian, Portuguese, Dutch, Russian, Chinese, Japanese
# and Korean, as far as the rules need them.
WORDS: dict[str, str] = {
    "ignore": (
        r"ignor\w{0,6}|disregard\w{0,3}|forget|set aside|put aside|throw out|throw away|cancel|erase|wipe|discard|"
        r"abandon|no longer follow|no longer obey|stop obeying|never mind|overrid\w{1,3}|bypass\w{0,3}|"
        r"supersed\w{1,3}|pay no attention to|do not follow|don't follow|stop following|vergiss|vergessen sie|"
        r"missacht\w{1,3}|ubergeh\w{1,3}|oubli\w{1,3}|ne tiens pas compte|ne tenez pas compte|fais abstraction|"
        r"faites abstraction|olvid\w{1,4}|descart\w{1,3}|haz caso omiso|haga caso omiso|desestim\w{1,3}|"
        r"dimentic\w{1,4}|trascur\w{1,4}|non tenere conto|esquec\w{1,3}|desconsider\w{1,3}|negeer\w{0,2}|vergeet|"
        r"игнорир\w{2,5}|проигнорир\w{2,5}|забуд\w{1,4}|не обращай\w{0,2} внимания|忽略|无视|無視|忽視|忘记|忘記|"
        "忘掉|不要理会|不要遵守|不要理會"
    ),
    "prior": (
        r"previous\w{0,2}|prior|above|earlier|preceding|foregoing|original|initial|your|former|safety|"
        r"vorherig\w{0,2}|vorangehend\w{0,2}|vorangegangen\w{0,2}|bisherig\w{0,2}|obig\w{0,2}|alle\w{0,1}|"
        r"deine\w{0,1}|ihre\w{0,1}|precedent\w{0,3}|anterieur\w{0,2}|toute?s|tous|tes|vos|anterior\w{0,3}|"
        "previ[ao]s|previ[aei]|tod[ao]s|tus|sus|tutt[ei]|tue|tuoi|tuas|seus|suas|eerdere|vorige|voorgaande|"
        r"bovenstaande|jouw|uw|предыдущ\w{1,3}|прежн\w{1,3}|вс[её]|всех|сво\w{1,2}|тво\w{1,2}|ваши\w{0,1}|以前|之前|"
        "先前|上述|以上|所有|前面|一切|你的|您的"
    ),
    "every": "all|any|every|existing",
    "earlier": (
        "以前|これまで|上記|すべて|全て|前の|あなた|いままで|今まで|先ほど|이전|위의|모든|기존|앞의|앞선|지금까지|"
        "당신|너의"
    ),
    "orders": (
        "instructions?|guidelines?|directives?|prompts?|orders|safeguards?|guardrails|programming|directions|"
        r"anweisung\w{0,2}|systemanweisung\w{0,2}|regeln|richtlinien?|vorgaben|befehle|instruktion\w{0,2}|"
        r"consignes?|regles?|ordres|instruccion\w{0,2}|reglas|directrices|ordenes|indicaciones|restricciones|"
        r"istruzion[ei]|regole|direttive|ordini|instruc\w{2,3}|regras|diretrizes|ordens|instructies?|regels|"
        r"richtlijnen|opdrachten|инструкци\w{1,2}|правил\w{0,2}|указани\w{1,2}|предписани\w{1,2}|ограничени\w{1,2}|"
        r"指令|指示|规则|規則|提示|说明|說明|命令|ルール|プロンプト|制限|지시\w{0,3}|명령\w{0,2}|규칙\w{0,2}|"
        r"프롬프트\w{0,1}"
    ),
    "limits": r"rules|commands|constraints|restrictions|policies|requests|protocols|content polic\w{1,3}",
    "reveal": (
        r"reveal\w{0,3}|show|print\w{0,3}|output\w{0,4}|repeat|leak|disclose|recite|expose|dump|tell me|give me|"
        "translate|summari[sz]e|write out|quote|share|what is|what are|spell out|zeige?|verrate?|gib|nenne|"
        r"offenbar\w{0,2}|revel\w{1,4}|montre\w{0,2}|affiche\w{0,2}|divulg\w{1,4}|muestra\w{0,3}|mostr\w{1,4}|"
        r"ensen\w{1,3}|onthul|toon|laat|покажи\w{0,2}|раскрой\w{0,2}|выведи\w{0,2}|显示|透露|泄露|告诉我|输出|顯示|"
        "洩露|輸出"
    ),
    "hidden": (
        "system prompt|system message|hidden prompt|initial prompt|initial instructions|original instructions|"
        "your instructions|your prompt|instructions you were given|context window|words above|text above|"
        "developer message|your (?:hidden|secret|internal|confidential|initial|original|exact|full) (?:rules|"
        r"instructions|prompt|configuration|guidelines)|systemprompt|system-prompt|systemanweisung\w{0,2}|"
        "deine anweisungen|system prompt|prompt systeme|instructions systeme|message systeme|prompt del sistema|"
        "prompt de sistema|prompt do sistema|prompt di sistema|instrucciones del sistema|instrucciones iniciales|"
        "istruzioni di sistema|istruzioni iniziali|instrucoes do sistema|systeemprompt|systeeminstructies|"
        r"системн\w{2,3} промпт\w{0,1}|системн\w{2,3} инструкци\w{1,2}|系统提示|系統提示|系统指令|初始指令|"
        "システムプロンプト|システム指示|시스템 프롬프트|시스템 지시"
    ),
    "send": (
        r"send|forward|mirror|stream|push|post|upload|email|e-mail|transmit|exfiltrat\w{1,3}|leak|copy|report|"
        r"submit|ship|mail|sende?|schicke?|senden sie|ubermittle|envoy\w{1,3}|envoie\w{0,2}|transmet\w{1,3}|"
        r"envi[ae]\w{0,3}|manda\w{0,2}|reenvi[ae]\w{0,2}|invia\w{0,2}|inoltra\w{0,2}|encaminh\w{1,3}|stuur|verzend|"
        r"отправ\w{1,4}|перешли\w{0,2}|发送|转发|上传|發送|轉發|送信|転送|보내"
    ),
    "cargo": (
        r"contents?|full|all|entire|every\w{0,5}|copy|copies|conversations?|history|transcripts?|secrets?|"
        r"credentials?|passwords?|tokens?|api[\s_-]keys?|environment variables?|env vars?|env|source code|"
        r"customer\w{0,1}|files?|database|logs|ssh keys?|private keys?|summary|summaries|data|daten|dateien|"
        r"inhalt\w{0,2}|schlussel|donnees|fichiers?|contenu|datos|archivos?|contenido|dati|contenuto|dados|"
        r"arquivos?|conteudo|gegevens|bestanden|inhoud|данны\w{1,2}|файл\w{0,2}|парол\w{1,2}|ключи|数据|文件|密码|"
        "内容|資料|檔案|データ|ファイル|데이터|파일"
    ),
    "place": (
        r"https?://\S{1,80}|[\w.+-]{1,40}@[\w.-]{2,40}|\w[\w.-]{1,60}\.(?:example|com|net|org|io|ru|cn|cc|co)(?!\w)|"
        r"extern\w{0,4}|attacker\w{0,2}|third[\s-]part\w{1,3}|webhook"
    ),
    "vault": (
        r"\.env(?![\w-])|\x7e/\.\w{2,20}|/etc/(?:passwd|shadow)|id_rsa|id_ed25519|\.aws/\w{0,20}|\.ssh/\w{0,20}|"
        r"\.netrc|\.npmrc|credentials|environment variables|env vars|api keys?|secret keys?|access keys?|"
        r"private keys?|passwords|secrets|169\.254\.169\.254|access tokens?|customer database|umgebungsvariablen|"
        "passworter|kennworter|mots de passe|variables d'environnement|contrasenas|claves|chiavi|senhas|"
        r"wachtwoorden|парол\w{1,2}|密码|密钥|環境変数|パスワード|비밀번호|환경 변수"
    ),
    "not": "do not|don't|dont|never|must not|should not|shouldn't|mustn't|avoid|without|cannot",
    "tell": (
        "tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|notify(?:ing)?|alert(?:ing)?|reveal(?:ing)?|disclos(?:e|ing)|"
        "show(?:ing)?|warn(?:ing)?|discuss(?:ing)?|let"
    ),
    "person": (
        "the (?:human )?users?|the developers?|the human|the person|the operator|the owner|the reviewers?|anyone|"
        "anybody|them"
    ),
    "check": (
        r"security|safety|tls|ssl|certificates?|signatures?|csrf|sandbox\w{0,3}|firewall|antivirus|2fa|mfa|"
        "guardrails|permission (?:prompts?|checks?)|permissions?|approvals?|confirmations?|reviews?|code review|"
        r"secret scan\w{0,4}|audit\w{0,3}|vulnerability|input validation|authentication|authorization|"
        r"branch protection|host key|sicherheits\w{1,16}|zertifikat\w{0,12}|freigabe\w{0,2}|bestatigung\w{0,2}|"
        r"securite|verifications?|seguridad|verificacion\w{0,2}|sicurezza|controlli|seguranca|verificac\w{2,4}|"
        r"beveiliging\w{0,10}|безопасност\w{1,2}|проверк\w{1,2}|安全|验证|审查|検証|セキュリティ|確認|보안|검증|확인"
    ),
    "remember": (
        r"save|store|remember|persist|record|memorize|memorise|speicher\w{1,3}|enregistr\w{1,3}|guarda\w{0,2}|"
        r"salva\w{0,2}"
    ),
    "spread": "add|append|copy|insert|write|keep|include|paste|propagate|spread|put|prepend|replicate|repeat|duplicate",
    "this": (
        r"this|these|the following|the above|following|it|itself|yourself|diese\w{0,1}|dieses|cette|ces|est[ae]s?|"
        "quest[aoie]|deze|dit"
    ),
    "memo": (
        r"claude\.md|agents\.md|gemini\.md|\.cursorrules|cursor rules?|copilot-instructions|memory files?|memory|"
        r"memories|rules? files?|readme\w{0,4}|instruction files?|system prompts?|knowledge base|skills?"
    ),
    "rule": (
        "rules?|instructions?|lines?|paragraphs?|sections?|notes?|texts?|memory|blocks?|snippets?|messages?|"
        r"prompts?|comments?|regel\w{0,1}|regles?|reglas?|regol[ae]|regras?"
    ),
    "free": (
        r"restrictions?|limits?|limitations?|filters?|filtering|censoring|ethic\w{0,3}|moral\w{0,3}|"
        r"content polic\w{1,3}|rules|guidelines|constraints|boundaries|censorship|einschrankung\w{0,2}|regeln|"
        "richtlinien|filter|limites?|filtres?|regles|restricciones|filtros?|reglas|restrizioni|limiti|filtri|"
        r"regole|restricoes|regras|beperkingen|regels|ограничени\w{1,2}|правил|фильтр\w{0,2}|限制|规则|制限|"
        "フィルター|제한|규칙"
    ),
    "without": (
        r"without|no|have no|free (?:of|from)|freed from|not bound by|not subject to|ohne|keine\w{0,1}|sans|aucune?|"
        "sin|senza|sem|nessuna?|zonder|geen|без|没有|不受|無し|なし"
    ),
    "now": (
        "from now on|from this point on|from this moment|going forward|henceforth|from here on|ab sofort|ab jetzt|"
        "von nun an|desormais|partir de maintenant|des maintenant|dorenavant|partir de ahora|de ahora en adelante|"
        "desde ahora|d'ora in poi|da ora in poi|da adesso|partir de agora|de agora em diante|vanaf nu|voortaan|"
        "отныне|этого момента|теперь ты|从现在开始|从现在起|从今以后|從現在開始|今から|これから|今後は|지금부터|"
        "이제부터|앞으로"
    ),
    "you": (
        "you (?:are|will|have|must|should|shall|can|may|act|always|never|only|need)|you're|you'll|your|wirst du|"
        r"bist du|du |gibst du|sie |tu |vous |eres|debes|usted|actua\w{0,2}|sei|devi|voce|deve|aja|ben je|je |ты|"
        "вы |你|您|あなた|너는|당신"
    ),
    "say": r"say\w{0,1}|repl(?:y|ies)|respon(?:d|ds|se)|answers?|types?|writes?|agrees?|confirms?",
    "fetch": "fetch|open|download|load|read|visit|retrieve|follow|get|pull|access|browse|curl|wget|check|consult|see",
    "obey": "follow|execute|run|apply|obey|do|perform|carry out|comply|eval|source|import|adopt|act on|treat",
    "answer": (
        r"repl(?:y|ies)|responses?|answers?|messages?|outputs?|summar(?:y|ies)|antwort\w{0,2}|reponses?|respuestas?|"
        "rispost[ae]|respostas?|antwoord"
    ),
    "shape": (
        "append|include|add|insert|augment|modify|end|begin|start|enhance|prepend|finish|integrate|incorporate|"
        "embed|provide|substitute|reverse|encode|scramble|translate|write|replace"
    ),
    "code": "code (?:snippet|excerpt|section|block|fragment|piece)s?|snippet|lines? of code",
    "dangerous": (
        r"(?:send|delete|post|fetch|exec|transfer|upload|forward|http|remove|drop|wire|pay|grant|export)_\w{2,30}|"
        r"[\w]{2,20}_(?:email|file|url|post|payment|money|funds|command|message)"
    ),
}
