"""Where a leaked secret is made worthless, by the rule that found it."""

from __future__ import annotations

ANYWHERE = "revoke it where it was issued, and put a new one in place"
# Prefix of a rule's name to the provider's page and act. A rule that is not listed gets the general advice.
ROTATIONS = {
    "github": "GitHub: https://github.com/settings/tokens, delete it there (an app's: in the app's settings)",
    "gitlab": "GitLab: User settings > Access tokens (a project's or group's: in its settings), revoke",
    "aws": "AWS: IAM > Users > Security credentials, deactivate the key, make another; look at CloudTrail for its use",
    "anthropic": "Anthropic: https://console.anthropic.com/settings/keys, delete it there",
    "openai": "OpenAI: https://platform.openai.com/api-keys, revoke it there",
    "slack": "Slack: https://api.slack.com/apps, the app's page, revoke the tokens or make the webhook anew",
    "stripe": "Stripe: https://dashboard.stripe.com/apikeys, roll the key, expiring the old one at once",
    "google-api": "Google Cloud: https://console.cloud.google.com/apis/credentials, delete the key, make another",
    "google-oauth": "Google Cloud: https://console.cloud.google.com/apis/credentials, reset the client's secret",
    "npm": "npm: Account > Access Tokens, delete it there; look at what was published since",
    "pypi": "PyPI: https://pypi.org/manage/account/token/, remove it there; look at what was published since",
    "huggingface": "Hugging Face: https://huggingface.co/settings/tokens, invalidate it there",
    "digitalocean": "DigitalOcean: https://cloud.digitalocean.com/account/api/tokens, delete it there",
    "cloudflare": "Cloudflare: https://dash.cloudflare.com/profile/api-tokens, roll it there",
    "sendgrid": "SendGrid: Settings > API Keys, delete it there",
    "twilio": "Twilio: Console > Account > API keys & tokens, delete it or promote the secondary token",
    "private-key": "a private key: make a new pair, take the old public key out of every authorized_keys and forge",
    "encoded-private-key": "a private key: make a new pair, take the old public key out of wherever it is known",
    "putty-key": "a private key: make a new pair, take the old public key out of every authorized_keys and forge",
    "json-web-token": "a web token: end the session, or change the key that signs them",
    "age-secret-key": "an age key: make a new one and encrypt anew what it opens (agent-context keys rotate)",
}


def advise_rotation(rule: str) -> str:
    """Return where and how the kind of secret that this rule finds is made worthless."""
    return next((advice for prefix, advice in ROTATIONS.items() if rule.startswith(prefix)), ANYWHERE)
