import { servedModel } from '../../served-model.ts';
import { type Finding, type FleetCheck, type GroupPlace, workerGroups } from '../finding.ts';
import { engineFlags, numberFlag } from '../group-engine.ts';

/** Groups that answer to one name of a model are one to clients: they serve the same weights and take the same requests. */
export const checkSameModel: FleetCheck = (fleet) => {
  const firsts = new Map<string, GroupPlace>();
  return workerGroups(fleet).flatMap((place): Finding[] => {
    const name = servedModel(place.group);
    const first = firsts.get(name);
    if (first === undefined) {
      firsts.set(name, place);
      return [];
    }
    return differences(first, place);
  });
};

function differences(first: GroupPlace, { group, at }: GroupPlace): Finding[] {
  const other = first.group;
  if (group.model.path !== other.model.path) {
    const advice = `${group.model.path} would answer to the same name as ${other.model.path} of the group ${other.name}`;
    return [{ path: at('sglang', 'flags', 'served-model-name'), advice }];
  }
  const context = (one: GroupPlace['group']) =>
    numberFlag(engineFlags(one), 'context-length') ?? one.model.contextTokens;
  if (context(group) === context(other)) return [];
  const advice =
    `the group ${other.name} serves the same model with a context of ${context(other)} tokens and this one with ` +
    `${context(group)}: a request that fits in one may be refused by the other`;
  return [{ path: at('sglang', 'flags', 'context-length'), advice, isWarning: true }];
}
