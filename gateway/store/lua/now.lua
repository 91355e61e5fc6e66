-- uses:
return now_ms()
