import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One instance as both the group and EC2 know it. */
export interface FakeInstance {
  readonly instanceId: string;
  /** Undefined: EC2 has forgotten the instance. */
  readonly privateIp?: string;
  /** @default 'InService' */
  readonly lifecycleState?: string;
  /** @default 'Healthy' */
  readonly healthStatus?: string;
}

export interface FakeFailure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export const throttled: FakeFailure = { status: 400, code: 'Throttling', message: 'Rate exceeded' };

/** Most values that EC2 takes in one filter. */
const maxFilterValues = 200;

/**
 * Speaks the Query protocols of Auto Scaling (`DescribeAutoScalingGroups`) and EC2 (`DescribeInstances`) over HTTP, in
 * pages of at most `pageSize` instances. Groups come one per page and, as AWS may do, after an empty first page.
 */
export class FakeAws {
  readonly groups = new Map<string, FakeInstance[]>();
  /** The parameters of every request, oldest first. */
  readonly requests: URLSearchParams[] = [];
  /** Answers for the next requests, first one first; then requests succeed again. */
  readonly failures: FakeFailure[] = [];
  readonly #pageSize: number;
  readonly #server = createServer(async (request, response) => {
    const parameters = new URLSearchParams(await readBody(request));
    this.requests.push(parameters);
    const { status, xml } = this.#answer(parameters);
    response.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
  });

  private constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  static async start(options: { pageSize?: number } = {}): Promise<FakeAws> {
    const fake = new FakeAws(options.pageSize ?? 1_000);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  /** For the `endpoint` of an AWS client. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  countOf(action: string): number {
    return this.requests.filter((parameters) => parameters.get('Action') === action).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(parameters: URLSearchParams): { status: number; xml: string } {
    const failure = this.failures.shift();
    const action = parameters.get('Action');
    if (failure) return error(action === 'DescribeInstances', failure);
    if (action === 'DescribeAutoScalingGroups') return { status: 200, xml: this.#describeGroups(parameters) };
    if (action !== 'DescribeInstances') {
      return error(false, { status: 400, code: 'InvalidAction', message: `no ${action} here` });
    }
    const ids = values(parameters, 'Filter.1.Value.');
    if (ids.length > maxFilterValues) {
      const message = `The maximum number of filter values is ${maxFilterValues}`;
      return error(true, { status: 400, code: 'FilterLimitExceeded', message });
    }
    return { status: 200, xml: this.#describeInstances(ids, Number(parameters.get('NextToken') ?? 0)) };
  }

  #describeGroups(parameters: URLSearchParams): string {
    const wanted = values(parameters, 'AutoScalingGroupNames.member.');
    const found = [...this.groups].filter(([name]) => wanted.length === 0 || wanted.includes(name));
    const page = Number(parameters.get('NextToken') ?? 0);
    const group = page === 0 ? undefined : found[page - 1];
    const next = page < found.length ? `<NextToken>${page + 1}</NextToken>` : '';
    return `<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
      <DescribeAutoScalingGroupsResult><AutoScalingGroups>${group ? groupXml(...group) : ''}</AutoScalingGroups>${next}
      </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>`;
  }

  #describeInstances(ids: readonly string[], start: number): string {
    const known = [...this.groups.values()]
      .flat()
      .filter((i) => i.privateIp !== undefined && ids.includes(i.instanceId));
    const end = start + this.#pageSize;
    const items = known.slice(start, end).map(
      ({ instanceId, privateIp }) => `<item><instancesSet><item><instanceId>${instanceId}</instanceId>
          <privateIpAddress>${privateIp}</privateIpAddress></item></instancesSet></item>`,
    );
    return `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
      <reservationSet>${items.join('')}</reservationSet>
      ${end < known.length ? `<nextToken>${end}</nextToken>` : ''}</DescribeInstancesResponse>`;
  }
}

function groupXml(name: string, instances: readonly FakeInstance[]): string {
  const members = instances.map(
    (instance) => `<member><InstanceId>${instance.instanceId}</InstanceId>
      <LifecycleState>${instance.lifecycleState ?? 'InService'}</LifecycleState>
      <HealthStatus>${instance.healthStatus ?? 'Healthy'}</HealthStatus></member>`,
  );
  return `<member><AutoScalingGroupName>${name}</AutoScalingGroupName><Instances>${members.join('')}</Instances></member>`;
}

/** Errors of Auto Scaling and of EC2 differ in shape. */
function error(isEc2: boolean, { status, code, message }: FakeFailure): { status: number; xml: string } {
  const body = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  const xml = isEc2
    ? `<Response><Errors>${body}</Errors><RequestID>1</RequestID></Response>`
    : `<ErrorResponse>${body}<RequestId>1</RequestId></ErrorResponse>`;
  return { status, xml };
}

/** The values of `prefix1`, `prefix2`, ... */
function values(parameters: URLSearchParams, prefix: string): string[] {
  return [...parameters].filter(([name]) => name.startsWith(prefix)).map(([, value]) => value);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
