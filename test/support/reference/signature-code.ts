import { format } from 'prettier';

/** Formats the blocks of signatures in a text, which are no whole statements of TypeScript. */
export async function withFormattedCode(text: string): Promise<string> {
  const parts = text.split(/^(```ts\n[\s\S]*?\n```)$/m);
  const formatted = parts.map(async (part, at) => {
    if (at % 2 === 0) return part;
    return `\`\`\`ts\n${await formattedCode(part.slice(6, -4))}\n\`\`\``;
  });
  return (await Promise.all(formatted)).join('');
}

/** `publish(…): Promise<string>`, `new Name(…)`, `Name.method(…)`, `name: Type` or `type Name = …`. */
async function formattedCode(code: string): Promise<string> {
  // What a computed type comes to says nothing to a reader: only its name is shown.
  if (code.endsWith(' = …')) return code;
  if (code.startsWith('type ')) return (await typescript(code)).replace(/;$/, '');
  const [, before = '', rest = ''] = /^(new |\w+\.(?=\w+[(<]))?([\s\S]*)$/.exec(code)!;
  const keyword = /^\w+:/.test(rest) ? 'declare const ' : 'declare function ';
  const formatted = await typescript(keyword + rest);
  return before + formatted.slice(keyword.length).replace(/;$/, '');
}

async function typescript(code: string): Promise<string> {
  try {
    const formatted = await format(code, { parser: 'typescript', singleQuote: true });
    return formatted.trimEnd();
  } catch (cause) {
    throw new Error(`This signature is no TypeScript: ${code}`, { cause });
  }
}
