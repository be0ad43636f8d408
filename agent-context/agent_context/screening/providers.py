"""The shapes of secrets: providers' prefixes with what follows them, and forms with a telling literal in them.

Tables only; every pattern has a bounded reach. Prefixes and lengths are the providers' published token formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.screening.tokens import HEX

if TYPE_CHECKING:
    from agent_context.screening.invisible import Severity

WORD = "A-Za-z0-9"
BASE64 = "A-Za-z0-9+/"
URLSAFE = r"\w\-"
GAP = r"[\s\\\"'>|#*,]{0,40}+"
UUID_SHAPE = f"[{HEX}]{{8}}(?:-[{HEX}]{{4}}){{3}}-[{HEX}]{{12}}"

# Rule name -> prefixes, and what follows them.
PREFIXED: dict[str, tuple[str, str]] = {
    "github-token": ("ghp_ gho_ ghu_ ghs_ ghr_", f"[{WORD}]{{36,255}}"),
    "github-fine-grained-token": ("github_pat_", r"\w{36,255}"),
    "gitlab-token": (
        "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- glsoat- gloas- glffct- GR1348941",
        rf"[{URLSAFE}.]{{20,300}}",
    ),
    "aws-access-key-id": ("AKIA ASIA ABIA ACCA AROA A3T", "[A-Z0-9]{16,17}"),
    "aws-bedrock-key": ("ABSK bedrock-api-key-", f"[{BASE64}=]{{60,2000}}"),
    "anthropic-key": ("sk-ant-", rf"[{URLSAFE}]{{24,200}}"),
    "openai-key": ("sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- pk-lf- sk-api-", rf"[{URLSAFE}]{{24,250}}"),
    "sk-key": ("sk-", rf"(?=[{URLSAFE}]{{0,40}}\d)[{WORD}]{{20,200}}"),
    "slack-token": (
        "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xoxo- xoxc- xoxd- xapp- xwfp-",
        rf"[{WORD}.%/+\-]{{12,400}}",
    ),
    "stripe-key": (
        "sk_live_ rk_live_ sk_test_ rk_test_ sk_prod_ rk_prod_ sk_org_live_ whsec_ pk_live_",
        f"[{BASE64}=]{{16,250}}",
    ),
    "google-api-key": ("AIza", rf"[{URLSAFE}]{{35}}"),
    "google-oauth": ("GOCSPX- ya29.", rf"[{URLSAFE}.]{{20,300}}"),
    "google-refresh-token": ("1//0", rf"[{URLSAFE}]{{40,200}}"),
    "npm-token": ("npm_", f"[{WORD}]{{36}}"),
    "pypi-token": ("pypi-", rf"[{URLSAFE}]{{50,1000}}"),
    "nuget-key": ("oy2", "[a-z0-9]{43}"),
    "crates-token": ("cio", f"[{WORD}]{{32}}"),
    "nats-seed": ("SO SA SU SN SC SX", r"(?=[A-Z]{0,30}[2-7])[A-Z2-7]{54,56}"),
    "discord-bot-token": (
        "MT MD MH MZ Mj ND NT Nj Nz OD OT",
        rf"[{URLSAFE}]{{20,26}}\.[{URLSAFE}]{{6}}\.[{URLSAFE}]{{25,40}}",
    ),
    "sendgrid-key": ("SG.", rf"[{URLSAFE}]{{16,32}}\.?[{URLSAFE}=]{{32,64}}"),
    "twilio-key": ("SK AC CA SM MM PN", "[a-f0-9]{32}"),
    "digitalocean-token": ("dop_v1_ doo_v1_ dor_v1_", "[a-f0-9]{64}"),
    "huggingface-token": ("hf_ api_org_", "[A-Za-z0-9]{34,40}"),
    "databricks-token": ("dapi dkea", r"[a-h0-9]{32}(?:-\d)?"),
    "shopify-token": ("shpat_ shpca_ shppa_ shpss_ shpua_", f"[{WORD}]{{32}}"),
    "square-token": ("sq0atp- sq0csp- sq0idp- EAAA", rf"[{URLSAFE}+=]{{22,100}}"),
    "facebook-token": ("EAACE EAAG EAAB EAAC", f"[{WORD}]{{60,400}}"),
    "mailgun-key": ("key- pubkey-", "[a-f0-9]{32}"),
    "sendinblue-key": ("xkeysib- xsmtpsib-", "[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    "linear-key": ("lin_api_ lin_oauth_", f"[{WORD}]{{32,64}}"),
    "notion-token": ("ntn_ secret_", f"[{WORD}]{{40,50}}"),
    "doppler-token": ("dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", rf"[{URLSAFE}.]{{40,70}}"),
    "vault-token": ("hvs. hvb. hvr. s. b.", rf"(?=[{URLSAFE}]{{0,23}}\d)[{URLSAFE}]{{24,250}}"),
    "age-secret-key": ("AGE-SECRET-KEY-1", "[A-Z0-9]{55,60}"),
    "model-provider-key": (
        "gsk_ xai- pplx- fw_ r8_ csk- nvapi- tvly- fc- BSA rpa_ lsv2_pt_ lsv2_sk_ jina_ ctx7sk- fpk_ tgp_v1_ key_",
        rf"(?=[{URLSAFE}]{{0,30}}\d)[{URLSAFE}]{{30,100}}",
    ),
    "vercel-token": ("vck_ vcp_ vci_ vca_ vcr_ vercel_blob_rw_", rf"[{URLSAFE}]{{24,80}}"),
    "netlify-token": ("nfp_ nfc_ nfo_ nfu_ nfb_", f"[{WORD}]{{36}}"),
    "tailscale-key": ("tskey-", rf"[a-z]{{2,10}}-[{WORD}]{{5,40}}-[{WORD}]{{10,60}}"),
    "postman-key": ("PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    "posthog-key": ("phc_ phx_ phs_", f"[{WORD}]{{40,50}}"),
    "planetscale-key": ("pscale_tkn_ pscale_pw_ pscale_oauth_", rf"[{URLSAFE}.=]{{30,64}}"),
    "pulumi-token": ("pul-", "[a-f0-9]{40}"),
    "resend-key": ("re_", f"(?=[{WORD}_]{{0,20}}[0-9])[{WORD}]{{6,12}}_[{WORD}]{{20,30}}"),
    "render-key": ("rnd_", f"[{WORD}]{{28,40}}"),
    "railway-bitwarden-key": ("rw_Fe26.2** bws_", rf"[{URLSAFE}.*]{{36,300}}"),
    "rubygems-key": ("rubygems_", "[a-f0-9]{48}"),
    "sentry-token": ("sntrys_ sntryu_ sntrya_", f"[{BASE64}=_]{{60,400}}"),
    "grafana-token": ("glc_ glsa_ eyJrIjoi", f"[{BASE64}=_]{{32,400}}"),
    "new-relic-key": ("NRAK- NRII- NRIQ- NRRA- NRBR- NRJS- NRSP- NRAL-", f"[{WORD}_-]{{19,80}}"),
    "datadog-pagerduty-key": ("ddapp_ pdus+_0XBPWQQ_", rf"[{URLSAFE}]{{30,60}}"),
    "dynatrace-token": ("dt0c01. dt0s01. dt0s16.", r"[A-Z0-9]{8,24}\.[A-Z0-9]{64}"),
    "figma-token": ("figd_ figo_ figu_", rf"[{URLSAFE}]{{38,60}}"),
    "airtable-token": ("pat", rf"[{WORD}]{{14}}\.[a-f0-9]{{64}}"),
    "atlassian-token": ("ATATT3 ATCTT3 ATBB", rf"[{URLSAFE}=]{{28,300}}"),
    "dropbox-token": ("sl.", rf"[{URLSAFE}=.]{{100,1500}}"),
    "docker-token": ("dckr_pat_ dckr_oat_", rf"[{URLSAFE}]{{24,64}}"),
    "fly-token": ("fo1_ fm1_ fm2_ fm1a_ fm1r_", rf"[{BASE64}=_\-]{{40,800}}"),
    "cloudflare-token": ("cfat_ cfut_ cfk_ v1.0-", rf"[{URLSAFE}]{{40,180}}"),
    "heroku-key": ("HRKU-", rf"[{URLSAFE}]{{30,80}}"),
    "openshift-token": ("sha256~", rf"[{URLSAFE}]{{43}}"),
    "hubspot-token": ("pat-na1- pat-na2- pat-eu1-", UUID_SHAPE),
    "supabase-token": ("sbp_ sb_secret_", rf"[{URLSAFE}]{{30,48}}"),
    "shippo-duffel-key": ("shippo_live_ shippo_test_ duffel_live_ duffel_test_", rf"[{URLSAFE}=]{{40,43}}"),
    "easypost-key": ("EZAK EZTK", f"[{WORD}]{{54}}"),
    "flutterwave-key": ("FLWSECK- FLWSECK_TEST-", "[a-f0-9]{12,32}(?:-X)?"),
    "plaid-token": ("access-sandbox- access-development- access-production-", f"[{HEX}-]{{36}}"),
    "1password-token": ("ops_eyJ", f"[{BASE64}=]{{60,1200}}"),
    "1password-secret-key": ("A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{5,6}-){3,4}[A-Z0-9]{5}"),
    "alibaba-tencent-key": ("LTAI AKID", f"(?=[{WORD}]{{0,16}}[0-9])[{WORD}]{{16,36}}"),
    "yandex-token": ("y0_ AQVN t1.", rf"(?=[{URLSAFE}.]{{0,40}}\d)[{URLSAFE}.=]{{35,300}}"),
    "artifactory-key": ("AKCp cmVmdGtu", f"[{WORD}]{{50,80}}"),
    "circleci-token": ("CCIPAT_ CCIPRJ_", f"[{WORD}]{{10,30}}_[{WORD}_]{{40,64}}"),
    "buildkite-token": ("bkua_", "[a-z0-9]{40}"),
    "adafruit-apify-key": ("aio_ apify_api_", rf"[{WORD}]{{28,40}}"),
    "readme-typeform-key": ("rdme_ tfp_", f"[{WORD}_.]{{40,80}}"),
    "contentful-token": ("CFPAT-", rf"[{URLSAFE}]{{40,60}}"),
    "mapbox-token": ("sk.eyJ tk.eyJ", rf"[{URLSAFE}]{{20,300}}\.[{URLSAFE}]{{20,40}}"),
    "langfuse-key": ("sk-lf- pk-lf-", UUID_SHAPE),
    "paypal-braintree-token": ("access_token$production$ access_token$sandbox$", r"[a-z0-9]{16}\$[a-f0-9]{32}"),
    "sourcegraph-token": ("sgp_ slk_ sgd_", rf"[{WORD}]{{64}}|[{HEX}_]{{40,80}}"),
}

# Rule name -> literals in or before a long token, split by |; the pattern that begins there (group `value`, if any, is
# the span); severity.
AROUND: dict[str, tuple[str, str, Severity]] = {
    "json-web-token": (
        "eyJ",
        rf"eyJ[{URLSAFE}]{{8,2000}}+\.e[{URLSAFE}]{{8,6000}}+\.[{URLSAFE}=]{{16,1000}}+",
        "certain",
    ),
    "encoded-json-web-token": ("ZXlK", f"ZXlK[{BASE64}]{{100,8000}}+={{0,2}}", "certain"),
    "encoded-private-key": ("LS0tLS1CRUdJTi", f"LS0tLS1CRUdJTi[{BASE64}=]{{100,20000}}+", "certain"),
    "putty-key": (
        "Private-Lines:",
        rf"Private-Lines: \d{{1,3}}\s{{1,2}}(?P<value>[{BASE64}=\s]{{40,8000}}+)",
        "certain",
    ),
    "slack-webhook": ("slack.com/services/", rf"slack\.com/services/(?P<value>[{WORD}/]{{24,120}})", "certain"),
    "slack-workflow": (
        "slack.com/workflows/|slack.com/triggers/",
        rf"slack\.com/(?:workflows|triggers)/(?P<value>[{WORD}/]{{24,120}})",
        "certain",
    ),
    "discord-webhook": ("/api/webhooks/", rf"/api/webhooks/\d{{16,20}}/(?P<value>[{URLSAFE}]{{50,80}})", "certain"),
    "teams-webhook": (".com/webhookb2/", rf"\.com/webhookb2/(?P<value>[{URLSAFE}@/]{{80,200}})", "certain"),
    "hashicorp-cloud-token": (".atlasv1.", rf"\.atlasv1\.[{URLSAFE}=]{{60,80}}", "certain"),
    "azure-key": (
        "AccessKey=|AccountKey=",
        f"(?:Access|Account)Key=(?P<value>[{BASE64}]{{40,88}}={{0,2}})",
        "certain",
    ),
    "azure-client-secret": ("8Q~", rf"(?<=[{WORD}~.\-_]{{3}})8Q~[{URLSAFE}.~]{{31,34}}", "certain"),
    "azure-service-key": ("JQQJ99", f"(?<=[{WORD}]{{52}})JQQJ99[{WORD}]{{26}}", "certain"),
    "telegram-bot-token": (":AA", rf"(?<=\d{{8}}):AA[{URLSAFE}]{{32,33}}", "certain"),
    "mailchimp-key": ("-us", r"(?<=[a-f0-9]{32})-us\d{1,2}", "certain"),
    "password-hash": (
        "$6$|$5$|$2a$|$2b$|$2y$|$argon2",
        (
            r"\$(?:6\$[^\s$]{1,60}\$[\w./]{86}|5\$(?:rounds=\d{1,9}\$)?[^\s$]{1,60}\$[\w./]{43}|"
            r"2[aby]\$\d\d\$[\w./]{53}|argon2[^\s]{40,200})"
        ),
        "likely",
    ),
}

# The same for what holds no long token: these literals, in lower case, are looked for in every text.
ANYWHERE: dict[str, tuple[str, str, Severity]] = {
    "private-key": (
        "-----begin ",
        (
            r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            rf"(?:\s{{1,4}}[A-Z][\w\-]{{2,20}}: .{{1,100}}){{0,5}}(?:{GAP}[{BASE64}=]{{20,200}}+){{1,400}}+"
            rf"(?:(?:{GAP}[{BASE64}=]{{1,80}}+){{0,3}}{GAP}-----END[^-\n]{{0,60}}-----)?"
        ),
        "certain",
    ),
    "certificate": (
        "-----begin ",
        rf"-----BEGIN CERTIFICATE-----(?:{GAP}[{BASE64}=]{{20,200}}+){{2,400}}+",
        "likely",
    ),
    "connection-string": (
        "://",
        r"://[^\s:/@\"'`<>\\]{0,80}+:(?P<value>[^\s/@\"'`<>\\?#,]{3,200}+)@(?=[\w.\[%${*])",
        "certain",
    ),
    "azure-sas-signature": ("sig=", rf"(?i:sig)=(?P<value>[{BASE64}%=]{{40,100}})", "certain"),
    "curl-user": (
        " -u|--user",
        r"(?: -u|--user)[ =]?[\"']?[^\s:\"'<>$]{1,80}:(?=[^\s\"'<>]{0,80}[A-Za-z])(?P<value>[^\s\"'<>]{3,200})",
        "certain",
    ),
    "sql-password": (
        "identified ",
        r"(?i:identified (?:with \w{1,40} )?by) (?P<quote>['\"])(?P<value>[^'\"\n]{5,100})(?P=quote)",
        "likely",
    ),
    "database-password": (
        "mysql",
        r"(?i:mysql\w{0,9}) [^\n|;]{0,80}? -p(?P<value>[^\s\"'<>$]{4,80})",
        "likely",
    ),
}
