"""The site to browse: laid out (sitemap), rendered safely (markup, cards, pages), staged, built and served."""

from agent_context.site.building import build
from agent_context.site.holdings import Shelf, SiteInput
from agent_context.site.serving import Watch, serve
from agent_context.site.staging import SETTINGS, stage

__all__ = ["SETTINGS", "Shelf", "SiteInput", "Watch", "build", "serve", "stage"]
