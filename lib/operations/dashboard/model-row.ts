import { type IWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { tensorParallel } from '../../config/group-engine.ts';
import { planOnFirstType } from '../../config/memory-plan.ts';
import type { WorkerGroupConfig, WorkerModel } from '../../config/schema.ts';
import { servedModel } from '../../served-model.ts';

/** What is behind the lines above: the model of each group, and what its engines have room for. */
export function modelRow(groups: readonly WorkerGroupConfig[]): IWidget[] {
  return groups.map((group) => new TextWidget({ markdown: describeModel(group), width: 8, height: 6 }));
}

/** Markdown; a line for each thing that is known. */
function describeModel(group: WorkerGroupConfig): string {
  const { name, model } = group;
  const served = servedModel(group);
  return [
    `**${name}** serves **${served}**`,
    '',
    ...[
      ...(served === model.path ? [] : [`weights of ${model.path}`]),
      ...describeWeights(model),
      ...describeContext(group),
      ...describeHeads(group),
      ...(model.license === undefined ? [] : [`licence ${model.license}`]),
      ...(model.isGated === true ? ['gated: the token must belong to an account that accepted the licence'] : []),
    ].map((line) => `- ${line}`),
  ].join('\n');
}

function describeWeights({ parametersBillions, activeBillions, weightsGiB, quantization }: WorkerModel): string[] {
  const active = activeBillions === undefined ? '' : `, ${activeBillions} active`;
  const facts = [
    ...(parametersBillions === undefined ? [] : [`${parametersBillions} billion parameters${active}`]),
    ...(quantization === undefined ? [] : [quantization === 'none' ? '16 bits a parameter' : quantization]),
    ...(weightsGiB === undefined ? [] : [`${weightsGiB} GiB of weights as stored`]),
  ];
  return facts.length === 0 ? [] : [facts.join(', ')];
}

/** The room is an estimate: the engine's log says what it found. */
function describeContext(group: WorkerGroupConfig): string[] {
  const { contextTokens, kvBytesPerToken } = group.model;
  const plan = planOnFirstType(group);
  const longest = plan?.contextTokens ?? contextTokens;
  const made = contextTokens === undefined || longest === contextTokens ? '' : ` of ${count(contextTokens)}`;
  return [
    ...(longest === undefined ? [] : [`requests of up to ${count(longest)}${made} tokens`]),
    ...(plan === undefined ? [] : [`KV cache of about ${count(plan.kvTokens)} tokens on ${group.instanceTypes[0]}`]),
    ...(kvBytesPerToken === undefined ? [] : [`${count(kvBytesPerToken)} bytes of KV cache a token`]),
  ];
}

function describeHeads(group: WorkerGroupConfig): string[] {
  const { attentionHeads, kvHeads } = group.model;
  const gpus = tensorParallel(group);
  const heads = [
    ...(attentionHeads === undefined ? [] : [`${attentionHeads} attention heads`]),
    ...(kvHeads === undefined ? [] : [`${kvHeads} KV heads`]),
  ];
  return heads.length === 0 ? [] : [`${heads.join(' and ')} on ${gpus} GPU${gpus === 1 ? '' : 's'}`];
}

const count = (value: number) => value.toLocaleString('en-US');
