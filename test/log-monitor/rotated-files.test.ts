import { expect, test } from '@jest/globals';
import { orderRotatedNames } from '../../runtime/log-monitor/rotated-files.ts';

test('numbered files count up with age', () => {
  const names = ['engine.log', 'engine.log.1', 'engine.log.10', 'engine.log.2', 'engine.log.3.gz', 'other.log.1'];
  expect(orderRotatedNames(names, 'engine.log')).toEqual(['engine.log.10', 'engine.log.2', 'engine.log.1']);
});

test('dated files grow with time', () => {
  const names = ['engine.log-20261122', 'engine.log-20261101', 'engine.log-20261122-0300', 'engine.log.state'];
  expect(orderRotatedNames(names, 'engine.log')).toEqual([
    'engine.log-20261101',
    'engine.log-20261122',
    'engine.log-20261122-0300',
  ]);
});
