import { GraphWidget, type GraphWidgetProps, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';

type GraphOptions = Pick<
  GraphWidgetProps,
  'right' | 'leftAnnotations' | 'leftYAxis' | 'rightYAxis' | 'width' | 'stacked'
>;

/** A graph of a third of the page. @param title with its unit */
export function graph(title: string, left: IMetric[], options: GraphOptions = {}): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, ...options });
}

/** An axis that begins at 0 and has no unit of its own: the title names it. */
export const fromZero = { min: 0, showUnits: false };
/** An axis for shares of a whole. */
export const shares = { min: 0, max: 1, showUnits: false };

/** A line where something is aimed at or begins to be wrong. */
export const line = (value: number, label: string) => ({ value, label });
