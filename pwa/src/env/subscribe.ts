/** WeChat's own button for coming notices. It exists only inside WeChat's browser, so everything here is quiet elsewhere. */
import { api } from '../api/client'
import { newKey } from '../api/key'
import type { JsapiConfig } from '../api/types'
import { inWeChat } from './detect'

interface Wx { config(options: object): void; ready(done: () => void): void; error(failed: () => void): void }

const SDK = 'https://res.wx.qq.com/open/js/jweixin-1.6.0.js'
const STYLE = 'width:100%;min-height:48px;padding:8px 20px;color:#0b5cab;background:#fff;border:1px solid #0b5cab;border-radius:10px;font-size:17px;font-weight:600'

/** iOS checks the signature against the address at which the app was entered, Android against the one shown now. */
function signedAddress(): string {
  const entered = performance.getEntriesByType('navigation')[0]?.name
  return ((/iPhone|iPad/.test(navigator.userAgent) && entered) || location.href).split('#')[0] ?? ''
}

function script(): Promise<void> {
  return new Promise((done, failed) => {
    const element = Object.assign(document.createElement('script'), { src: SDK, onload: () => done(), onerror: failed })
    document.head.append(element)
  })
}

function template(slot: string | null, html: string): HTMLScriptElement {
  const element = Object.assign(document.createElement('script'), { type: 'text/wxtag-template', textContent: html })
  if (slot) element.slot = slot
  return element
}

/**
 * Puts WeChat's subscribe button into `place` and calls `agreed` when the person accepts; does nothing where WeChat
 * does not offer it. `label` is plain text.
 */
export async function offerSubscription(place: HTMLElement, label: string, agreed: () => void): Promise<void> {
  if (!inWeChat()) return
  try {
    const config = await api.get<JsapiConfig>('/wechat/jsapi', { url: signedAddress() })
    if (!config.subscribe_templates.length) return
    const host = window as { wx?: Wx }
    if (!host.wx) await script()
    const wx = host.wx
    if (!wx) return
    wx.ready(() => {
      const button = document.createElement('wx-open-subscribe')
      button.setAttribute('template', config.subscribe_templates.join())
      button.id = `subscribe-${newKey()}`
      button.append(template('style', `<style>.go{${STYLE}}</style>`), template(null, `<button class="go">${label}</button>`))
      button.addEventListener('success', agreed)
      place.replaceChildren(button)
    })
    wx.config({
      appId: config.app_id, timestamp: config.timestamp, nonceStr: config.nonce_str, signature: config.signature, jsApiList: ['checkJsApi'], openTagList: ['wx-open-subscribe'],
    })
  } catch {
    place.replaceChildren()
  }
}
