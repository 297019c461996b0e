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
    const all = membersOf(checker.getDeclaredTypeOfSymbol(symbol), checker);
    const own = ({ name }: Member): boolean =>
      symbol.members!.has(ts.escapeLeadingUnderscores(name));
    // The compiler puts those of the interfaces that it extends at the end.
    this.events = [...all.filter((event) => !own(event)), ...all.filter(own)];
  }

  /** A table of all events but these. */
  table(without: ReadonlySet<string>): string {
    const more: string[] = [];
    const rows = this.events
      .filter(({ name }) => !without.has(name))
      .map((event) => {
        const [first, rest] = cut(event.doc.text);
        const below = [rest, ...this.explainedFields(event)].filter(Boolean).join(' ');
        if (below !== '') more.push(`- \`${event.name}\`: ${below}`);
        return [`\`${event.name}\``, this.fieldNames(event), first];
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

  /** The fields of an event, or the name of a type that is public. */
  private fieldNames(event: Member): string {
    const named = publicType(event);
    if (named !== undefined) return `those of \`${named}\``;
    return this.fieldsOf(event)
      .map(({ name }) => `\`${name}\``)
      .join(', ');
  }

  /** Stream and group need no explanation. Public types have a table of their own. */
  private explainedFields(event: Member): string[] {
    if (publicType(event) !== undefined) return [];
    return this.fieldsOf(event)
      .filter(({ name, doc }) => doc.text !== '' && name !== 'stream' && name !== 'group')
      .map(({ name, doc }) => `\`${name}\`: ${doc.text}`);
  }

  private fieldsOf(event: Member): Member[] {
    return membersOf(this.checker.getTypeFromTypeNode(typeOf(event)), this.checker);
  }
}

/** A table of the texts of a union, each with the comment above it. */
export function unionTable(symbol: ts.Symbol, head: string): string {
  const alias = symbol.declarations!.find(ts.isTypeAliasDeclaration)!;
  const { types } = alias.type as ts.UnionTypeNode;
  const text = alias.getSourceFile().text;
  const rows = types.map((node, at) => {
    // The comment stands before the bar, so it does not belong to the node.
    const before = text.slice(types[at - 1]?.end ?? alias.type.pos, node.getStart());
    const comment = /\/\*\*([\s\S]*?)\*\//.exec(before)?.[1] ?? '';
    const meaning = comment
      .replaceAll(/^\s*\* ?/gm, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
    return [`\`${node.getText().slice(1, -1)}\``, meaning];
  });
  return table([head, 'meaning'], rows);
}

/** Types of events that the page describes apart. */
const PUBLIC = new Set([
  'SettledEvent',
  'StreamLagExceeded',
  'PublishedEvent',
  'AdministeredEvent',
]);

/** `SettledEvent`, where the event is one. */
function publicType(event: Member): string | undefined {
  const name = typeOf(event).getText();
  return PUBLIC.has(name) ? name : undefined;
}

const typeOf = ({ declaration }: Member): ts.TypeNode =>
  (declaration as ts.PropertySignature).type!;
