/** The session that is being given another name, while somebody types it; one at a time. */
import { writable } from 'svelte/store';
import type { Session } from './model.ts';

export const renaming = writable<Session | null>(null);
