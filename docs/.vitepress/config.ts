import { defineConfig } from 'vitepress';
import { PARTS, slugOf, titleOf } from './pages.js';

export default defineConfig({
  title: 'nestjs-redis-streams',
  description: 'Durable, stream-based services on NestJS',
  lang: 'en',
  cleanUrls: true,
  lastUpdated: false,
  rewrites: { 'README.md': 'index.md' },
  markdown: { anchor: { slugify: slugOf } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: PARTS.map(({ title, pages, collapsed }) => ({
      text: title,
      collapsed: collapsed ?? false,
      items: pages.map((page) => ({ text: titleOf(page), link: `/${page}` })),
    })),
  },
});
