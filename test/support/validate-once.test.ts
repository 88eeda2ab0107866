import { App, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { quickApp } from './fleet-templates.ts';
import { ValidateOnce } from './validate-once.ts';

const validation = new ValidateOnce();

/** Checks a stack with one bucket of these properties. @throws with what the CDK finds wrong with it */
function check(properties: Record<string, unknown>): void {
  const app = new App(quickApp);
  Validations.of(app).addPlugins(validation);
  new CfnResource(new Stack(app, 'stack'), 'Bucket', { type: 'AWS::S3::Bucket', properties });
  app.synth();
}

test('a template with a mistake is refused, each time and beside one that has passed', () => {
  const good = { BucketName: 'records' };
  const bad = { BucketName: 'records', Colour: 'red' };
  expect(() => check(bad)).toThrow('Colour');
  expect(() => check(bad)).toThrow('Colour');
  expect(() => check(good)).not.toThrow();
  expect(() => check(good)).not.toThrow();
  expect(() => check(bad)).toThrow('Colour');
});
