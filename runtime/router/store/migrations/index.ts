import type { Migration } from 'kysely/migration';
import { runners } from './001-runners.ts';
import { sessions } from './002-sessions.ts';
import { sessionCounts } from './003-session-counts.ts';

/** Applied in the order of their names; a released one never changes. */
export const migrations: Readonly<Record<string, Migration>> = {
  '001-runners': runners,
  '002-sessions': sessions,
  '003-session-counts': sessionCounts,
};
