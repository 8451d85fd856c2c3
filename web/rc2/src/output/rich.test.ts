import { describe, expect, it } from 'vitest';
import { choose, imageAddress } from './rich.ts';

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

describe('an image', () => {
  const rich = { seq: 1, data: { 'image/png': 'ab\nc', 'image/svg+xml': '<svg/>' }, blobs: {}, metadata: {} };
  it('is in the event, or in the session', () => {
    const address = (sha: string): string => `/blob/${sha}`;
    expect(imageAddress(rich, 'image/png', address)).toBe('data:image/png;base64,abc');
    expect(imageAddress(rich, 'image/svg+xml', address)).toContain('data:image/svg+xml');
    expect(imageAddress({ ...rich, blobs: { 'image/png': blob } }, 'image/png', address)).toBe('/blob/a');
  });
});
