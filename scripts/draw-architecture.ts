// Draws the diagrams of docs/architecture.md anew from the synthesised stacks: `node scripts/draw-architecture.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { architectureDiagram } from '../test/support/assembly/architecture-diagram.ts';
import { fleetConfig, fleetTemplates } from '../test/support/fleet-templates.ts';

export const architectureFile = path.join(import.meta.dirname, '../docs/architecture.md');

/** The page with each `<!-- stacks of FLEET -->` followed by that fleet's diagram. */
export function redraw(page: string): string {
  return page.replaceAll(
    /(<!-- stacks of (\w+) -->\n)(```mermaid\n[\s\S]*?```\n)?/g,
    (_, mark: string, fleet: string) => `${mark}\`\`\`mermaid\n${diagramOf(fleet)}\n\`\`\`\n`,
  );
}

function diagramOf(fleet: string): string {
  const stacks = Object.entries(fleetTemplates(fleetConfig(fleet))).map(([part, template]) => {
    const { Resources, Outputs = {} } = template.toJSON() as {
      Resources: Record<string, { Type: string }>;
      Outputs?: Record<string, { Export?: { Name: string } }>;
    };
    const outputs = Object.values(Outputs).flatMap(({ Export }) => (Export ? [Export.Name] : []));
    return { part, resources: Resources, outputs };
  });
  return architectureDiagram(stacks);
}

if (import.meta.main) writeFileSync(architectureFile, redraw(readFileSync(architectureFile, 'utf8')));
