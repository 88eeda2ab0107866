/** The constructs, for apps that put a fleet together themselves. */
export { type Daemon, DaemonBundle } from './bundle.ts';
export { loadFleetConfig } from './config/load.ts';
export type { FleetConfig } from './config/schema.ts';
export { addFleet } from './fleet.ts';
export { ImagePipeline, type ImagePipelineProps } from './image-pipeline/image-pipeline.ts';
export { MachineGroup, type MachineGroupProps } from './machine-group.ts';
export { Network, type NetworkProps } from './network.ts';
export { AlarmTopic, type AlarmTopicProps } from './operations/alarm-topic.ts';
export { FleetAlarms, type FleetAlarmsProps } from './operations/alarms/fleet-alarms.ts';
export { FleetDashboard, type FleetDashboardProps } from './operations/dashboard/fleet-dashboard.ts';
export { FleetBudget, type FleetBudgetProps } from './operations/fleet-budget.ts';
export { FleetOperations, type FleetOperationsProps } from './operations/fleet-operations.ts';
export { OperatorDocuments, type OperatorDocumentsProps } from './operations/operator-documents.ts';
export { FleetQueries, type FleetQueriesProps } from './operations/queries.ts';
export { RouterGroup, type RouterGroupProps } from './router-group.ts';
export { FleetState, type RouterStore, type StateProps } from './state.ts';
export { WorkerGroup, type WorkerGroupProps } from './workers/worker-group.ts';
