import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slugOf } from '../../docs/.vitepress/pages.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The pages of users: README.md and docs/ with its folders. Paths from the top of the repository. */
export function docPages(): string[] {
  const found = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  const pages = found.filter(
    (file) => file.endsWith('.md') && !/(?:^|\/)\.|node_modules/.test(file),
  );
  return ['README.md', ...pages.map((file) => `docs/${file}`)].sort();
}

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Links of a page that lead nowhere, as `page -> link`. Addresses of the web are not asked. */
export function deadLinks(page: string, ships: (file: string) => boolean = () => true): string[] {
  const links = [...withoutCode(readPage(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to!);
  return links.filter((link) => !leads(page, link, ships)).map((link) => `${page} -> ${link}`);
}

function leads(page: string, link: string, ships: (file: string) => boolean): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : relative(root, join(root, dirname(page), path));
  if (!existsSync(join(root, target)) || !ships(target)) return false;
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(target).has(anchor);
}

/** The anchors of a page's headings; of equal ones the second ends in `-1`. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutCode(readPage(page)).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = slugOf(heading!.replaceAll(/[`*]|\]\([^)]*\)|\[/g, ''));
    let unique = slug;
    for (let n = 1; anchors.has(unique); n++) unique = `${slug}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}

const withoutCode = (page: string): string => page.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
