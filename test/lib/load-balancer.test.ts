import { Match, type Template } from 'aws-cdk-lib/assertions';
import { balanced, certificateArn, devFleet } from '../support/dev-fleet.ts';
import { bootTextOf, fleetTemplates } from '../support/fleet-templates.ts';

const type = (name: string) => `AWS::ElasticLoadBalancingV2::${name}`;
const routerStack = (routers: Parameters<typeof devFleet>[0]['routers']) =>
  fleetTemplates(devFleet({ routers: { holdSeconds: 1_800, drainSeconds: 700, ...routers } }))['router']!;
const application = routerStack(balanced('application', { certificateArn }));
const network = routerStack(balanced('network'));
const networkTls = routerStack(balanced('network', { certificateArn, accessLogs: false }));

interface Attribute {
  readonly Key: string;
  readonly Value: string;
}
function attributesOf(template: Template, resource: string, property: string): Record<string, string> {
  const [found] = Object.values(template.findResources(type(resource)));
  const attributes = (found!['Properties'][property] ?? []) as Attribute[];
  return Object.fromEntries(attributes.map(({ Key, Value }) => [Key, Value]));
}
const optionOf = (template: Template, name: string) =>
  Number(new RegExp(`--${name} (\\d+)`).exec(bootTextOf(template))?.[1]);

test('without one in the config there is none', () => {
  for (const resource of ['LoadBalancer', 'Listener', 'TargetGroup']) {
    routerStack({}).resourceCountIs(type(resource), 0);
  }
});

describe.each([
  ['application', application],
  ['network', network],
  ['network with TLS', networkTls],
])('%s', (_kind, template) => {
  test('is private', () => template.hasResourceProperties(type('LoadBalancer'), { Scheme: 'internal' }));

  test('asks routers whether they live, not whether they have workers', () => {
    template.hasResourceProperties(type('TargetGroup'), {
      HealthCheckPath: '/health',
      HealthCheckPort: '8000',
      HealthCheckProtocol: 'HTTP',
      Matcher: { HttpCode: '200' },
      Port: 8000,
    });
  });

  test('its routers are replaced when it finds them ill', () => {
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      HealthCheckType: 'ELB',
      TargetGroupARNs: [Match.anyValue()],
    });
  });

  test('gives a router that leaves the time that the router gives its answers', () => {
    const delay = attributesOf(template, 'TargetGroup', 'TargetGroupAttributes');
    expect(Number(delay['deregistration_delay.timeout_seconds'])).toBe(optionOf(template, 'drain-seconds'));
  });

  test('the outputs say where clients reach it', () => {
    const [url] = Object.values(template.findOutputs('Url'));
    expect(JSON.stringify(url!['Value'])).toMatch(template === network ? /"http:\/\// : /"https:\/\//);
  });
});

test('an application load balancer waits longer than requests are held, and closes connections before routers do', () => {
  const { 'idle_timeout.timeout_seconds': idle } = attributesOf(application, 'LoadBalancer', 'LoadBalancerAttributes');
  expect(Number(idle)).toBeGreaterThan(optionOf(application, 'hold-seconds'));
  expect(Number(idle)).toBeGreaterThanOrEqual(900);
  expect(Number(idle)).toBeLessThanOrEqual(4_000);
  expect(Number(idle)).toBeLessThan(optionOf(application, 'keep-alive-seconds'));
});

test('it drops header fields that are none', () => {
  const attributes = attributesOf(application, 'LoadBalancer', 'LoadBalancerAttributes');
  expect(attributes['routing.http.drop_invalid_header_fields.enabled']).toBe('true');
});

test('a network load balancer without TLS waits longer than requests are held', () => {
  const { 'tcp.idle_timeout.seconds': idle } = attributesOf(network, 'Listener', 'ListenerAttributes');
  expect(Number(idle)).toBeGreaterThan(optionOf(network, 'hold-seconds'));
  expect(Number(idle)).toBeLessThanOrEqual(6_000);
});

test('one with TLS has the time that AWS gives it, and asking for another would fail', () => {
  expect(attributesOf(networkTls, 'Listener', 'ListenerAttributes')).toEqual({});
});

test.each([
  ['application', application, { Port: 443, Protocol: 'HTTPS' }],
  ['network', networkTls, { Port: 443, Protocol: 'TLS' }],
])('with a certificate TLS ends at the load balancer (%s), by a policy of today', (_kind, template, listener) => {
  template.hasResourceProperties(type('Listener'), {
    ...listener,
    Certificates: [{ CertificateArn: certificateArn }],
    SslPolicy: Match.stringLikeRegexp('^ELBSecurityPolicy-TLS13-1-2-'),
  });
  template.resourceCountIs(type('Listener'), 1);
});

test('without a certificate connections pass through', () => {
  network.hasResourceProperties(type('Listener'), { Port: 80, Protocol: 'TCP', Certificates: Match.absent() });
});

test('access logs go to a private, encrypted bucket of the fleet, and go after the days that logs are kept', () => {
  const attributes = attributesOf(application, 'LoadBalancer', 'LoadBalancerAttributes');
  expect(attributes['access_logs.s3.enabled']).toBe('true');
  application.hasResource('AWS::S3::Bucket', {
    DeletionPolicy: 'Retain',
    Properties: {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 14, Status: 'Enabled' })] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    },
  });
  application.hasResourceProperties('AWS::S3::BucketPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    },
  });
});

test('there is no bucket where nothing would be written, or nothing should be', () => {
  network.resourceCountIs('AWS::S3::Bucket', 0);
  networkTls.resourceCountIs('AWS::S3::Bucket', 0);
});
