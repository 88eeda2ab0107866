import { readFileSync } from 'node:fs';
import { architectureFile, redraw } from '../../../scripts/draw-architecture.ts';

test('the diagrams of docs/architecture.md show the stacks as they are: node scripts/draw-architecture.ts', () => {
  const page = readFileSync(architectureFile, 'utf8');
  expect(page).toContain('```mermaid\nflowchart TD');
  expect(redraw(page)).toBe(page);
});
