import { describe, expect, it } from 'vitest';
import { choose, frameHeight, imageAddress, isWidget } from './rich.ts';

const blob = { sha256: 'a', bytes: 1 };

describe('the form that is shown', () => {
  it('is the richest', () => {
    expect(choose({ data: { 'text/plain': 'a', 'image/png': 'x' }, blobs: {} })).toBe('image/png');
    expect(choose({ data: { 'text/plain': 'a' }, blobs: { 'text/html': blob } })).toBe('text/html');
  });
  it('is the text where the HTML says no more', () => {
    expect(choose({ data: { 'text/plain': '[1] 1', 'text/html': '1' }, blobs: {} })).toBe('text/plain');
    expect(choose({ data: { 'text/plain': 'a', 'text/html': '<table></table>' }, blobs: {} })).toBe(
      'text/html',
    );
  });
});

describe('a widget', () => {
  it('is text, and known as one', () => {
    const view = { model_id: 'a', version_major: 2, version_minor: 0 };
    const data = { 'application/vnd.jupyter.widget-view+json': view, 'text/plain': 'IntSlider(value=3)' };
    expect(choose({ data, blobs: {} })).toBe('text/plain');
    expect(isWidget({ data, blobs: {} })).toBe(true);
    expect(isWidget({ data: { 'text/plain': 'a' }, blobs: {} })).toBe(false);
  });
});

describe('a table', () => {
  const of = (html: string, text = '  n\n1 1') => ({
    data: { 'text/plain': text, 'text/html': html },
    blobs: {},
  });
  const table = '<table class="dataframe"><tbody><tr><td>1</td></tr></tbody></table>';
  it('is text at a prompt, as R prints it, and a page under a chunk', () => {
    expect(choose(of(table), 'prompt')).toBe('text/plain');
    expect(choose(of(`<style scoped>td { color: red }</style>${table}`), 'prompt')).toBe('text/plain');
    expect(choose(of(table), 'chunk')).toBe('text/html');
  });
  it('is a page where the text is not the table, and where there is more than a table', () => {
    expect(choose(of(table, '<IPython.core.display.HTML object>'), 'prompt')).toBe('text/html');
    expect(choose(of(`${table}<script>draw()</script>`), 'prompt')).toBe('text/html');
    expect(choose(of(`<table><tr><td><a href="https://a.example">a</a></td></tr></table>`), 'prompt')).toBe(
      'text/html',
    );
    expect(choose(of('<div style="color: red">bold</div>'), 'prompt')).toBe('text/html');
  });
});

describe('a frame', () => {
  const height = (html: string, blobs: Record<string, typeof blob> = {}): number =>
    frameHeight({ seq: 1, data: html ? { 'text/html': html } : {}, blobs, metadata: {} });
  const table = (rows: number): string => `<table>${'<tr><td>1</td></tr>'.repeat(rows)}</table>`;
  it('is as high as a small table, and never higher than what scrolls', () => {
    expect(height(table(2))).toBe(104);
    expect(height(table(50))).toBe(240);
  });
  it('has room for a widget, and for what is large', () => {
    expect(height('<div></div><script>draw()</script>')).toBe(420);
    expect(height('', { 'text/html': blob })).toBe(420);
    expect(height('<b>bold</b>')).toBe(240);
  });
});

describe('an image', () => {
  const rich = { seq: 1, data: { 'image/png': 'ab\nc', 'image/svg+xml': '<svg/>' }, blobs: {}, metadata: {} };
  it('is in the event, or in the session', () => {
    const address = (sha: string): string => `/blob/${sha}`;
    expect(imageAddress(rich, 'image/png', address)).toBe('data:image/png;base64,abc');
    expect(imageAddress(rich, 'image/svg+xml', address)).toContain('data:image/svg+xml');
    expect(imageAddress({ ...rich, blobs: { 'image/png': blob } }, 'image/png', address)).toBe('/blob/a');
  });
});
