/** WeChat's JS-SDK; the only file that touches `wx`. The script is loaded from WeChat only inside WeChat, and only when it is needed. */
import { api } from '../api/client'

interface Config { app_id: string; timestamp: number; nonce_str: string; signature: string }
interface ScanOptions {
  needResult: 1
  scanType: string[]
  success: (answer: { resultStr: string }) => void
  cancel: () => void
  fail: (answer: { errMsg?: string }) => void
}
interface Wx {
  config: (options: Record<string, unknown>) => void
  ready: (then: () => void) => void
  error: (then: (answer: { errMsg?: string }) => void) => void
  scanQRCode: (options: ScanOptions) => void
}
declare global { interface Window { wx?: Wx } }

const SCRIPT = 'https://res.wx.qq.com/open/js/jweixin-1.6.0.js'
const PATIENCE_MS = 8000
const BAR_CODE = /^(CODE|EAN|UPC|ITF|CODABAR)[A-Z0-9_]*,/

/** iOS checks the signature against the page at which the app was entered, Android against the current one. */
export function signedAddress(agent: string, entry: string, current: string): string {
  return (/iPhone|iPad|iPod/i.test(agent) ? entry : current).split('#')[0] ?? current
}

const entryAddress = () => performance.getEntriesByType('navigation')[0]?.name ?? window.location.href

/** A bar code comes as "CODE_128,text"; a QR code as it is. */
export const scannedText = (text: string) => text.replace(BAR_CODE, '')

async function script(): Promise<Wx> {
  if (!window.wx) {
    await new Promise<void>((done, fail) => {
      const tag = document.createElement('script')
      tag.src = SCRIPT
      tag.onload = () => done()
      tag.onerror = () => fail(new Error('jweixin'))
      document.head.append(tag)
    })
  }
  if (!window.wx) throw new Error('jweixin')
  return window.wx
}

async function configure(wx: Wx): Promise<void> {
  const url = signedAddress(navigator.userAgent, entryAddress(), window.location.href)
  const given = await api.get<Config>('/wechat/jsapi', { url })
  await new Promise<void>((done, fail) => {
    setTimeout(() => fail(new Error('wx.config')), PATIENCE_MS)
    wx.ready(done)
    wx.error((answer) => fail(new Error(answer.errMsg ?? 'wx.config')))
    wx.config({ appId: given.app_id, timestamp: given.timestamp, nonceStr: given.nonce_str, signature: given.signature, jsApiList: ['scanQRCode'] })
  })
}

let ready: Promise<Wx> | null = null

function prepared(): Promise<Wx> {
  ready ??= script().then(async (wx) => {
    await configure(wx).catch(() => configure(wx))
    return wx
  })
  ready.catch(() => { ready = null })
  return ready
}

/** Opens WeChat's scanner; null when the person closes it. Throws when it cannot be used. */
export async function scanWithWeChat(): Promise<string | null> {
  const wx = await prepared()
  return new Promise((done, fail) => wx.scanQRCode({
    needResult: 1,
    scanType: ['qrCode', 'barCode'],
    success: (answer) => done(scannedText(answer.resultStr)),
    cancel: () => done(null),
    fail: (answer) => fail(new Error(answer.errMsg ?? 'wx.scanQRCode')),
  }))
}
