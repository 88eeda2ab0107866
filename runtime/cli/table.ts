import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  /** Numbers read best right-aligned. @default 'left' */
  readonly align?: 'left' | 'right';
}

/** Lines of a plain-text table: two spaces between columns, no trailing blanks. Cells may hold terminal colours. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const grid = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, index) => Math.max(...grid.map((row) => visibleLength(row[index] ?? ''))));
  return grid.map((row) =>
    columns
      .map(({ align }, index) => {
        const cell = row[index] ?? '';
        const padding = ' '.repeat(widths[index]! - visibleLength(cell));
        return align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
