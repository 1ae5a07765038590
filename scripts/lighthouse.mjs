/**
 * Measures citizen pages of a running product with Lighthouse: mobile, simulated slow 4G.
 *
 *   node scripts/lighthouse.mjs --url http://127.0.0.1:8000 --page PATH… [--runs 3] [--person zhang] --out FILE
 *
 * --person logs in as this demo person through the sandbox. Figures are medians over the runs, accessibility and best
 * practices the worst. `make bench BENCH=pages` measures all citizen pages.
 *
 * Four times slower than the reference machine is a mid-range phone; a slower or busier machine is slowed down less, so
 * that the phone stays the same.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'

const modules = new URL('../pwa/node_modules/', import.meta.url)
const { default: lighthouse } = await import(new URL('lighthouse/core/index.js', modules))
const { pageFunctions } = await import(new URL('lighthouse/core/lib/page-functions.js', modules))
const { throttling } = await import(new URL('lighthouse/core/config/constants.js', modules))
const { default: puppeteer } = await import(new URL('puppeteer-core/lib/puppeteer/puppeteer-core.js', modules))

const ITEM = 'passport-first'
const HALL = { code: 'XM', name: '厦门市行政服务中心' }
const REFERENCE_INDEX = 1500
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' }, page: { type: 'string', multiple: true },
    runs: { type: 'string', default: '3' }, person: { type: 'string' }, out: { type: 'string' },
  },
})
const chromium = process.env.CHROMIUM || execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim()
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: FLAGS })
try {
  if (values.person) await logIn(values.person)
  const draft = await firstOpenDay()
  const pages = []
  for (const path of values.page) pages.push(await measure(path, draft, Number(values.runs)))
  mkdirSync(dirname(values.out), { recursive: true })
  writeFileSync(values.out, `${JSON.stringify({ url: values.url, runs: Number(values.runs), pages }, null, 1)}\n`)
} finally {
  await browser.close()
}

async function logIn(person) {
  const page = await browser.newPage()
  for (const provider of ['wechat', 'ixiamen']) {
    await page.goto(`${values.url}/api/v1/auth/${provider}?return_to=/me`)
    await page.$eval(`input[name=person][value=${person}]`, (input) => { input.checked = true })
    await Promise.all([page.waitForNavigation(), page.click('button[value=allow]')])
  }
  await page.close()
}

/** Answers that lead to the later steps of a booking. */
async function firstOpenDay() {
  const answer = await fetch(`${values.url}/api/v1/slots?hall=${HALL.code}&items=${ITEM}&days=30`)
  const day = (await answer.json()).days.find((one) => one.state === 'open')
  return { hall: HALL, date: day?.date ?? null }
}

/** Lighthouse's slow 4G, with the slowdown that makes this machine, as it is now, a mid-range phone. */
async function phone(page) {
  const index = await page.evaluate(`(${pageFunctions.computeBenchmarkIndex.toString()})()`)
  const slowdown = throttling.mobileSlow4G.cpuSlowdownMultiplier * index / REFERENCE_INDEX
  return { ...throttling.mobileSlow4G, cpuSlowdownMultiplier: Math.min(throttling.mobileSlow4G.cpuSlowdownMultiplier, Math.max(1, slowdown)) }
}

async function measure(path, draft, runs) {
  const results = []
  for (let run = 0; run < runs; run++) {
    const page = await browser.newPage()
    // Keeps the login, forgets the files: every run is a first visit.
    await (await page.createCDPSession()).send('Network.clearBrowserCache')
    await page.evaluateOnNewDocument((key, text) => {
      navigator.serviceWorker.register = () => new Promise(() => undefined)
      sessionStorage.setItem(key, text)
    }, `book:${ITEM}`, JSON.stringify(draft))
    const options = { output: 'json', logLevel: 'error', throttling: await phone(page), onlyCategories: ['performance', 'accessibility', 'best-practices', 'seo'], disableStorageReset: true }
    const { lhr } = await lighthouse(values.url + path, options, undefined, page)
    if (lhr.runtimeError) throw new Error(`${path}: ${lhr.runtimeError.message}`)
    results.push(lhr)
    await page.close()
  }
  const score = (name) => results.map((lhr) => Math.round(lhr.categories[name].score * 100))
  const figure = (name) => median(results.map((lhr) => lhr.audits[name].numericValue))
  const failed = results.flatMap((lhr) => ['accessibility', 'best-practices'].flatMap((name) => lhr.categories[name].auditRefs)
    .filter((ref) => ref.weight > 0 && lhr.audits[ref.id].score !== null && lhr.audits[ref.id].score < 1).map((ref) => ref.id))
  const result = {
    path, performance: median(score('performance')), accessibility: Math.min(...score('accessibility')), best_practices: Math.min(...score('best-practices')), seo: median(score('seo')),
    fcp_ms: Math.round(figure('first-contentful-paint')), lcp_ms: Math.round(figure('largest-contentful-paint')), tbt_ms: Math.round(figure('total-blocking-time')),
    cls: Number(figure('cumulative-layout-shift').toFixed(4)), bytes: Math.round(figure('total-byte-weight')),
    benchmark_index: median(results.map((lhr) => lhr.environment.benchmarkIndex)), slowdown: median(results.map((lhr) => Number(lhr.configSettings.throttling.cpuSlowdownMultiplier.toFixed(2)))), final_path: new URL(results[0].finalDisplayedUrl).pathname, failed: [...new Set(failed)],
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
  return result
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
