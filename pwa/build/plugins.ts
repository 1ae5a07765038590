/** Small build steps: the first screen's texts, inlined styles with their hash, the worker's file list, compressed copies. */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const LINK = /<link rel="stylesheet"[^>]*href="\/([^"]+\.css)"[^>]*>/g
const COMPRESSIBLE = /\.(js|css|html|svg|json|webmanifest|txt|wasm)$/

/** `virtual:first-texts` is the Chinese of the frame and the home page alone; other pages bring their texts when opened. */
export function firstTexts(): Plugin {
  const FIRST = /^(home\.|search\.(label|go|example|call)$|halls\.(near_me|no_place|empty)$|hall\.(comma|km|address_un)|item\.visits)/
  let root = '.'
  return {
    name: 'first-texts',
    configResolved(config) { root = config.root },
    resolveId: (id) => (id === 'virtual:first-texts' ? `\0${id}` : undefined),
    load(id) {
      if (id !== '\0virtual:first-texts') return undefined
      const read = (name: string) => JSON.parse(readFileSync(join(root, `shared/${name}.zh.json`), 'utf8')) as Record<string, unknown>
      const pages = Object.fromEntries(Object.entries(read('pages')).filter(([key]) => FIRST.test(key)))
      return `export default ${JSON.stringify({ ...read('messages'), ...pages })}`
    },
  }
}

/** While developing, the hall's addresses get the hall's page, as from the server (backend/web.py). */
export function hallPages(): Plugin {
  return {
    name: 'hall-pages',
    configureServer(server) {
      server.middlewares.use((request, _answer, next) => {
        if (/^\/(staff|screen|kiosk)(\/|$)/.test(request.url ?? '')) request.url = '/hall.html'
        next()
      })
    },
  }
}

/** The entry's style sheets move into index.html; csp.json names its hash for the server's policy. */
export function inlineStyles(): Plugin {
  let out = 'dist'
  return {
    name: 'inline-styles',
    apply: 'build',
    configResolved(config) { out = resolve(config.root, config.build.outDir) },
    closeBundle: {
      order: 'pre',
      sequential: true,
      handler() {
        const page = join(out, 'index.html')
        const html = readFileSync(page, 'utf8')
        const links = [...html.matchAll(LINK)]
        const css = links.map((link) => readFileSync(join(out, link[1] ?? ''), 'utf8').trim()).join('')
        if (!css) throw new Error('index.html links no style sheet')
        const plain = html.replace(LINK, '').replace('</head>', () => `<style>${css}</style>\n</head>`)
        writeFileSync(page, plain.replace(/\n\s*\n/g, '\n'))
        const hash = createHash('sha256').update(css).digest('base64')
        writeFileSync(join(out, 'csp.json'), `${JSON.stringify({ styles: [`sha256-${hash}`] })}\n`)
      },
    },
  }
}

/** Puts the list of built files and their common version into the hand-written worker. */
export function serviceWorker(): Plugin {
  let out = 'dist'
  let root = '.'
  return {
    name: 'service-worker',
    apply: 'build',
    configResolved(config) {
      root = config.root
      out = resolve(config.root, config.build.outDir)
    },
    closeBundle: {
      sequential: true,
      handler() {
        const files = filesIn(out).filter((name) => /\.(js|css|html|webmanifest|png|svg)$/.test(name) && name !== 'sw.js')
        const digest = createHash('sha256')
        for (const name of files) digest.update(name).update(readFileSync(join(out, name)))
        const shell = files.map((name) => (name === 'index.html' ? '/' : `/${name}`))
        const worker = readFileSync(join(root, 'sw/sw.js'), 'utf8')
          .replace("'__VERSION__'", JSON.stringify(digest.digest('hex').slice(0, 12)))
          .replace("['__SHELL__']", JSON.stringify(shell))
        writeFileSync(join(out, 'sw.js'), worker)
      },
    },
  }
}

/** Writes .br and .gz beside every text file, so that the server never compresses. */
export function precompress(): Plugin {
  let out = 'dist'
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) { out = resolve(config.root, config.build.outDir) },
    closeBundle: {
      order: 'post',
      sequential: true,
      handler() {
        for (const name of filesIn(out)) {
          if (!COMPRESSIBLE.test(name) || name === 'csp.json') continue
          const content = readFileSync(join(out, name))
          const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
          writeFileSync(join(out, `${name}.br`), brotliCompressSync(content, { params }))
          writeFileSync(join(out, `${name}.gz`), gzipSync(content, { level: 9 }))
        }
      },
    },
  }
}

function filesIn(folder: string, prefix = ''): string[] {
  return readdirSync(join(folder, prefix)).sort().flatMap((name) => {
    const path = prefix ? `${prefix}/${name}` : name
    return statSync(join(folder, path)).isDirectory() ? filesIn(folder, path) : [path]
  })
}
