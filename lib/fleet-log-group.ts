import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface FleetLogGroupProps {
  readonly logGroupName: string;
  /** One of the numbers of days that CloudWatch Logs knows. */
  readonly retentionDays: number;
}

/** Where the machines of one kind log. It goes with its stack: its name is fixed, so a kept one would block the next. */
export class FleetLogGroup extends Construct {
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: FleetLogGroupProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'LogGroup', {
      logGroupName: props.logGroupName,
      retention: props.retentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
