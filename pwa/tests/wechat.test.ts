import { beforeEach, expect, it, vi } from 'vitest'
import { scannedText, signedAddress } from '../src/env/wechat'

const calls = vi.hoisted(() => ({ urls: [] as unknown[] }))
vi.mock('../src/api/client', () => ({
  api: { get: async (_: string, query: { url: string }) => { calls.urls.push(query.url); return { app_id: 'a', timestamp: 1, nonce_str: 'n', signature: 's' } } },
}))

function stubWx(failures: number) {
  let then: () => void
  let bad: (answer: { errMsg: string }) => void
  const wx = {
    configs: 0,
    ready: (done: () => void) => { then = done },
    error: (fail: (answer: { errMsg: string }) => void) => { bad = fail },
    config: () => { wx.configs += 1; queueMicrotask(() => (wx.configs <= failures ? bad({ errMsg: 'config:invalid signature' }) : then())) },
    scanQRCode: (options: { success: (answer: { resultStr: string }) => void }) => options.success({ resultStr: 'WZW1.a.b' }),
  }
  Object.assign(window, { wx })
  return wx
}

beforeEach(() => {
  vi.resetModules()
  calls.urls = []
})

it('signs the entry page on iOS and the current one on Android, without what follows #', () => {
  const [entry, current] = ['https://zw.example.cn/staff/', 'https://zw.example.cn/staff/scan#a']
  expect(signedAddress('iPhone MicroMessenger', entry, current)).toBe(entry)
  expect(signedAddress('Android MicroMessenger', entry, current)).toBe('https://zw.example.cn/staff/scan')
})

it('takes the kind off a bar code and leaves a QR code alone', () => {
  expect(scannedText('CODE_128,12345678')).toBe('12345678')
  expect(scannedText('WZW1.a.b')).toBe('WZW1.a.b')
})

it('signs once more when WeChat refuses the signature, and then scans', async () => {
  const wx = stubWx(1)
  const { scanWithWeChat } = await import('../src/env/wechat')
  expect(await scanWithWeChat()).toBe('WZW1.a.b')
  expect(wx.configs).toBe(2)
  expect(calls.urls).toHaveLength(2)
  expect(await scanWithWeChat()).toBe('WZW1.a.b')
  expect(wx.configs).toBe(2)
})

it('gives up after the second refusal, and tries afresh next time', async () => {
  const wx = stubWx(2)
  const { scanWithWeChat } = await import('../src/env/wechat')
  await expect(scanWithWeChat()).rejects.toThrow('invalid signature')
  expect(await scanWithWeChat()).toBe('WZW1.a.b')
  expect(wx.configs).toBe(3)
})
