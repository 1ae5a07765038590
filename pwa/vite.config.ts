import { createHash } from 'node:crypto'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { firstTexts, hallPages, inlineStyles, precompress, serviceWorker } from './build/plugins.ts'

/** A request costs more than its bytes on a slow phone, so small parts travel together: what home needs, and what forms need. */
const BASE = new RegExp([
  'node_modules/(@vue|vue|vue-router)/', 'plugin-vue', 'rolldown/runtime', 'first-texts', 'src/(main|start|navigation|App|page\.ts|router|i18n|api/client|state/(prefs|session|storage|tickets)|pages/booking/leave)', 'shared/dates',
  'src/ui/(PageHeader|AppButton|NoticeBox|ListLink|TagLabel|LoadState|SkeletonLines|EmptyState|useLoad|problemText)',
  'citizen/parts/(calls|place|useText|words|ItemRows)',
].join('|'))
const FORMS = /src\/(api\/key|ui\/(?!QrCode|ElderAid)|state\/(drafts|queueTickets|reached|signOut)|pages\/booking\/use|pages\/appointments\/(pass|use|parts))|shared\/(rotating|times)|citizen\/parts\/|env\/detect/

/** Names of all pages stand in the entry: seven characters tell versions apart and are fewer bytes. */
const NAMES = {
  entryFileNames: 'assets/[name]-[hash:7].js',
  chunkFileNames: 'assets/[name]-[hash:7].js',
  assetFileNames: 'assets/[name]-[hash:7][extname]',
}
const CITIZEN_GROUPS = [
  { name: 'qr', test: /src\/ui\/QrCode|node_modules\/qr\//, priority: 2 },
  { name: 'base', test: BASE, priority: 3 },
  { name: 'forms', test: FORMS, priority: 2 },
  { name: 'bills', test: /pages\/bills\/|env\/pay|shared\/money/, priority: 1 },
  { name: 'files', test: /pages\/filing\/(Materials?\.|shrink|parts\/(AddFiles|FileRow|SendingRow|EarlierScans|LookUp|useFiles))|state\/(uploads|blobs)|api\/raw/, priority: 2 },
  { name: 'filing', test: /pages\/filing\/|state\/filing|shared\/forms/, priority: 1 },
  { name: 'cases', test: /pages\/cases\//, priority: 1 },
  { name: 'booking', test: /pages\/booking\//, priority: 1 },
  { name: 'express', test: /pages\/express\/|state\/mailing/, priority: 1 },
  { name: 'visits', test: /pages\/appointments\//, priority: 1 },
  { name: 'account', test: /pages\/citizen\/(Me|Family|Inbox|Login|Conduct|Notices)\.|pages\/privacy\//, priority: 1 },
  { name: 'queue', test: /pages\/queue\/|pages\/citizen\/Hall\.|(state|shared)\/queue\.ts/, priority: 1 },
  { name: 'places', test: /pages\/citizen\/(Halls|Lists?|Help|Standards)\.|citizen\/(Sites|parts\/SiteMap)/, priority: 1 },
]

/** Marks of scoped styles in five characters: they stand in every file. */
const components = vue({ features: { componentIdGenerator: (path, source) => createHash('sha256').update(path + source).digest('base64url').slice(0, 5).toLowerCase() } })

/** Two apps from one source: the citizens' in dist/, and with `--mode hall` the staff's pages and the screens in dist/hall/. */
export default defineConfig(({ mode }) => ({
  ...(mode === 'hall'
    ? { base: '/hall/', publicDir: false as const, plugins: [components, firstTexts(), precompress()] }
    : { plugins: [components, firstTexts(), hallPages(), inlineStyles(), serviceWorker(), precompress()] }),
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
  },
  build: {
    target: 'es2019',
    outDir: mode === 'hall' ? 'dist/hall' : 'dist',
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // A page's own file is requested by its import(); naming it again in the preload list only makes the entry larger.
    modulePreload: { polyfill: false, resolveDependencies: (file: string, deps: string[]) => deps.filter((name) => name !== file) },
    rolldownOptions: {
      input: mode === 'hall' ? 'hall.html' : 'index.html',
      treeshake: { propertyReadSideEffects: false, unknownGlobalSideEffects: false },
      optimization: { inlineConst: { mode: 'all' as const, pass: 3 } },
      output: { ...NAMES, ...(mode === 'hall' ? {} : { codeSplitting: { groups: CITIZEN_GROUPS } }) },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8000' } },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'] },
}))
