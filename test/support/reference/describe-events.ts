import ts from 'typescript';
import { table } from '../generated-parts.js';
import { cut } from './doc-comment.js';
import { membersOf, type Member } from './members.js';

/** Writes what `StreamsEvents` says of the events of the library. */
export class EventDescriber {
  private readonly events: readonly Member[];

  /** @param symbol the map of events, by their names */
  constructor(
    private readonly checker: ts.TypeChecker,
    symbol: ts.Symbol,
  ) {
    this.events = membersOf(checker.getDeclaredTypeOfSymbol(symbol), checker);
  }

  /** A table of all events but these. */
  table(without: ReadonlySet<string>): string {
    const more: string[] = [];
    const rows = this.events
      .filter(({ name }) => !without.has(name))
      .map((event) => {
        const fields = this.fieldsOf(event);
        const [first, rest] = cut(event.doc.text);
        const explained = fields
          .filter(({ doc }) => doc.text !== '')
          .map(({ name, doc }) => `\`${name}\`: ${doc.text}`);
        const below = [rest, ...explained].filter(Boolean).join(' ');
        if (below !== '') more.push(`- \`${event.name}\`: ${below}`);
        return [`\`${event.name}\``, fields.map(({ name }) => `\`${name}\``).join(', '), first];
      });
    return `${table(['event', 'fields', 'when'], rows)}\n\n${more.join('\n')}`;
  }

  /** The comment of one event, and a table of its fields. */
  event(wanted: string): string {
    const event = this.events.find(({ name }) => name === wanted);
    if (!event) throw new Error(`There is no event "${wanted}"`);
    const rows = this.fieldsOf(event).map(({ name, type, doc, optional }) => [
      `\`${name}${optional ? '?' : ''}\``,
      `\`${type}\``,
      doc.text,
    ]);
    return [event.doc.text, table(['field', 'type', 'meaning'], rows)].join('\n\n');
  }

  private fieldsOf({ declaration }: Member): Member[] {
    const { type } = declaration as ts.PropertySignature;
    return membersOf(this.checker.getTypeFromTypeNode(type!), this.checker);
  }
}

/** A table of the texts of a union, each with the comment above it. */
export function unionTable(symbol: ts.Symbol, head: string): string {
  const alias = symbol.declarations!.find(ts.isTypeAliasDeclaration)!;
  const text = alias.getSourceFile().text;
  const rows = (alias.type as ts.UnionTypeNode).types.filter(ts.isLiteralTypeNode).map((node) => {
    const comments = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
    const comment = comments.map(({ pos, end }) => text.slice(pos, end)).join('');
    return [`\`${node.getText().slice(1, -1)}\``, oneLine(comment)];
  });
  return table([head, 'meaning'], rows);
}

const oneLine = (comment: string): string =>
  comment
    .replaceAll(/^\/\*\*|\*\/$|^\s*\*/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
