/** Sections of docs/operations.md that say what an alarm means, what to look at and what to do. */
export const runbook = {
  noReadyWorker: 'No worker is ready',
  slowFirstToken: 'First tokens are slow',
  missingWorkers: 'Workers are missing',
  launchFailed: 'A machine did not start',
  rejectedRequests: 'Requests are refused',
  enginesCrash: 'Engines crash',
  missingRouters: 'Routers are missing',
  silentRouters: 'No router reports',
  silentMachines: 'Machines are silent',
  diskFull: 'A disk is nearly full',
  databaseBusy: 'The database is at its limit',
  databaseConnections: 'The database runs out of connections',
  databaseStorage: 'The database grows',
  budget: 'The budget is used up',
} as const;

export type RunbookSection = keyof typeof runbook;

/** Where a section is, as GitHub makes an address of its heading. */
export function runbookAddress(section: RunbookSection): string {
  return `docs/operations.md#${runbook[section].toLowerCase().replaceAll(' ', '-')}`;
}
