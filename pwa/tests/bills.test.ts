import { describe, expect, it } from 'vitest'
import { fenOf, payCodeText, yuanText } from '../shared/money'
import type { Attempt, Bill } from '../src/api/types'
import { waysHere } from '../src/env/pay'
import { moves, phaseOf } from '../src/pages/bills/phase'

const bill = (status: Bill['status'], receipt: string | null = null) => ({ status, receipt: receipt && { state: receipt } }) as unknown as Bill
const tried = (state: Attempt['state']) => ({ state }) as Attempt

describe('what the page says', () => {
  it('asks to pay until somebody has opened a cashier', () => {
    expect(phaseOf(bill('issued'), null, false)).toBe('to_pay')
    expect(phaseOf(bill('paying'), tried('created'), false)).toBe('to_pay')
    expect(phaseOf(bill('paying'), tried('created'), true)).toBe('confirming')
  })
  it('never says "not paid" while money may have come', () => {
    expect(phaseOf(bill('issued'), tried('closed'), true)).toBe('not_paid')
    expect(phaseOf(bill('issued'), tried('paid'), true)).toBe('confirming')
    expect(phaseOf(bill('issued'), tried('suspense'), true)).toBe('checking')
    expect(phaseOf(bill('paid'), tried('refund_due'), true)).toBe('returning')
    expect(phaseOf(bill('paid'), tried('closed'), true)).toBe('paid')
  })
  it('asks again while something moves by itself', () => {
    expect(moves(bill('paying'), 'confirming')).toBe(true)
    expect(moves(bill('paid', 'issuing'), 'paid')).toBe(true)
    expect(moves(bill('paid', 'issued'), 'paid')).toBe(false)
    expect(moves(bill('issued'), 'to_pay')).toBe(false)
  })
})

describe('ways to pay', () => {
  const phone = 'Mozilla/5.0 (Linux; Android 14) Mobile Safari'
  it('are WeChat alone inside WeChat, Alipay alone inside Alipay', () => {
    expect(waysHere(`${phone} MicroMessenger/8`)).toEqual(['wechat_jsapi'])
    expect(waysHere(`${phone} AlipayClient/10`)).toEqual(['alipay_wap'])
  })
  it('are both in a browser, and a code to scan where there is no phone', () => {
    expect(waysHere(phone)).toEqual(['alipay_wap', 'wechat_h5'])
    expect(waysHere('Mozilla/5.0 (Windows NT 10.0)')).toEqual(['wechat_native', 'alipay_wap'])
  })
})

describe('money', () => {
  it('is shown in yuan with two places', () => {
    expect([0, 5, 120_00, 1_234_567_89].map(yuanText)).toEqual(['0.00', '0.05', '120.00', '1,234,567.89'])
  })
  it('is read to the fen or not at all', () => {
    expect(['20', '0.05', '1,200.5', ' 3 '].map(fenOf)).toEqual([2000, 5, 120_050, 300])
    expect(['', '1.234', '-1', 'x', '1e3'].map(fenOf)).toEqual([null, null, null, null, null])
  })
  it('has codes in fours', () => { expect(payCodeText('35029926300000000001')).toBe('3502 9926 3000 0000 0001') })
})
