"""The site to browse: laid out (sitemap), rendered safely (markup, pages), staged, built and served (building)."""

from agent_context.site.building import build, serve, stage
from agent_context.site.sitemap import Shelf, SiteInput

__all__ = ["Shelf", "SiteInput", "build", "serve", "stage"]
