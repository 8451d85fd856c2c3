/** What a person is in a session, and what they may do with it. */
import type { Change } from './api.ts';
import type { Me, Session, SharedSession } from './model.ts';

/** An administrator does all that an owner does. */
export type Role = 'owner' | SharedSession['role'];

/** Return what a person is in a session; a viewer where it is not known yet, who may do the least. */
export function roleOf(session: Session, me: Me, shared: readonly SharedSession[] | null): Role {
  if (me.admin || session.owner === me.name) return 'owner';
  return shared?.find((each) => each.session.id === session.id)?.role ?? 'viewer';
}

export function mayChange(role: Role, change: Change): boolean {
  if (role === 'owner') return true;
  return role === 'editor' && (change === 'suspend' || change === 'resume');
}
