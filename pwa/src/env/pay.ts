/** What a payer can use where the app runs. Inside WeChat only WeChat's own bridge works; its page for browsers and Alipay refuse there. */
import { inWeChat } from './detect'

interface Bridge { invoke: (name: string, parameters: Record<string, string>, done: (answer: { err_msg: string }) => void) => void }
declare global { interface Window { WeixinJSBridge?: Bridge } }

const PATIENCE_MS = 8000

export type Way = 'wechat_jsapi' | 'wechat_h5' | 'wechat_native' | 'alipay_wap'

/** The ways that work here, the best one first. */
export function waysHere(agent: string): Way[] {
  if (/MicroMessenger/i.test(agent)) return ['wechat_jsapi']
  if (/AlipayClient/i.test(agent)) return ['alipay_wap']
  return /Android|iPhone|iPad|Mobile|HarmonyOS/i.test(agent) ? ['alipay_wap', 'wechat_h5'] : ['wechat_native', 'alipay_wap']
}

function bridge(): Promise<Bridge> {
  return new Promise((done, fail) => {
    const found = () => { if (window.WeixinJSBridge) done(window.WeixinJSBridge) }
    found()
    document.addEventListener('WeixinJSBridgeReady', found, { once: true })
    setTimeout(() => fail(new Error('WeixinJSBridge')), PATIENCE_MS)
  })
}

/** Opens WeChat's payment sheet. "ok" proves nothing: only the server knows whether money came. */
export async function payInWeChat(parameters: Record<string, string>): Promise<'ok' | 'cancel' | 'fail'> {
  if (!inWeChat()) return 'fail'
  try {
    const open = await bridge()
    return await new Promise((done) => open.invoke('getBrandWCPayRequest', parameters, ({ err_msg }) => {
      done(err_msg.endsWith(':ok') ? 'ok' : err_msg.endsWith(':cancel') ? 'cancel' : 'fail')
    }))
  } catch {
    return 'fail'
  }
}
