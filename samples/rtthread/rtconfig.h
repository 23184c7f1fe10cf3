/* Configuration of this board support package; RT-Thread's menuconfig writes this file. */
#ifndef RT_CONFIG_H__
#define RT_CONFIG_H__

#define RT_NAME_MAX 8
#define PKG_USING_MSLITE_MODELS

#endif
