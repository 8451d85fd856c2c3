"""A page that stands alone, for when no other can be shown. The hub, the edge and a session's agent say by it what is wrong."""

from html import escape

# The colours and sizes are those of web/ui/src/tokens.css; nothing is loaded, so the type is the system's.
_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}<title>{title} · RSparkHub</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 Inter, system-ui, sans-serif }}
  body {{ margin: 0; background: light-dark(#fefefe, #131312); color: light-dark(#1b1a19, #f0efed) }}
  header, main {{ box-sizing: border-box; max-width: 36rem; margin: 0 auto; padding: 0 1.5rem }}
  header {{ display: flex; align-items: center; gap: .5rem; padding-top: 14vh; font-size: .875rem; font-weight: 600 }}
  header svg {{ width: 1.25rem; height: 1.25rem }}
  main {{ padding-bottom: 3rem }}
  h1 {{ margin: 1.5rem 0 .5rem; font-size: 1.5rem; font-weight: 600; line-height: 1.25; letter-spacing: -.017em }}
  p {{ margin: 0 0 1rem; color: light-dark(#504e4b, #bfbdb9); text-wrap: pretty }}
  form {{ margin: 1.5rem 0 }}
  code {{ font: .875em/1.5 ui-monospace, monospace }}
  li {{ margin: .25rem 0 }}
  a {{ color: light-dark(#2a4dc0, #a3b6ff) }}
  button {{ min-height: 2.5rem; padding: .5rem 1rem; border: 0; border-radius: 6px; background: light-dark(#2f55d0, #4a6ce6);
    color: #fff; font: inherit; font-weight: 500; cursor: pointer }}
  button:hover {{ background: light-dark(#2747b4, #4163d9) }}
  :focus-visible {{ outline: 2px solid light-dark(#2a4dc0, #a3b6ff); outline-offset: 2px }}
</style>
<header><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#2f55d0"/><path
 d="M6.5 22.5C12 22.5 12 9 16 9s4 13.5 9.5 13.5" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/><path
 d="M6.5 26h19" stroke="#fff" stroke-opacity=".55" stroke-width="1.8" stroke-linecap="round"/></svg>RSparkHub</header>
<main><h1>{title}</h1>{body}</main>
</html>
"""


def render(title: str, body: str, *, language: str = "en", again_after: int | None = None) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title
        A text.
    body
        HTML that stands below the title.
    language
        What both are written in, as BCP 47 has it.
    again_after
        After how many seconds a browser asks again by itself.
    """
    refresh = f'<meta http-equiv="refresh" content="{again_after}">\n' if again_after else ""
    return _PAGE.format(title=escape(title), body=body, language=language, refresh=refresh)
