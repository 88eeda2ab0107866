/** The constructs, for apps that put a fleet together themselves. */
export { type Daemon, DaemonBundle } from './bundle.ts';
export { loadFleetConfig } from './config/load.ts';
export type { FleetConfig } from './config/schema.ts';
export { addFleet } from './fleet.ts';
export { FleetDashboard, type FleetDashboardProps } from './fleet-dashboard.ts';
export { MachineGroup, type MachineGroupProps } from './machine-group.ts';
export { Network, type NetworkProps } from './network.ts';
export { RouterGroup, type RouterGroupProps } from './router-group.ts';
export { FleetState, type RouterStore, type StateProps } from './state.ts';
export { WorkerGroup, type WorkerGroupProps } from './worker-group.ts';
