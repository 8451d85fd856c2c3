/** Help pages as HTML that runs nothing and looks like the page around it. */

/** Return the body of a help page, cleaned. */
export async function clean(html: string): Promise<string> {
  const { default: purify } = await import('dompurify');
  return purify.sanitize(html, {
    FORBID_TAGS: ['style', 'link', 'script', 'form', 'input', 'button', 'img'],
    FORBID_ATTR: ['style', 'width', 'align'],
  });
}
