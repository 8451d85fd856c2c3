/** Answers that come line by line while the session works. */

import { request, type Init } from './base.ts';

/** Send a request, and yield each line of the answer as it comes, as the JSON it is. To abort it is to cancel the work. */
export async function* lines<T>(path: string, what: object, signal: AbortSignal): AsyncGenerator<T> {
  const init: Init = {
    method: 'POST',
    body: JSON.stringify(what),
    headers: { 'Content-Type': 'application/json' },
    signal,
  };
  const answer = await request(path, init);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const whole = (rest + (value ?? '')).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) if (line) yield JSON.parse(line) as T;
      if (done) return;
    }
  } finally {
    void reader.cancel();
  }
}
